"""How much does a network fire and compute? One network in one worker process: build, calibrate, count."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from psubench import data, models, neurons
from psubench.devices import open_device
from psubench.experiments.paired.probe import Job
from psubench.experiments.sparsity.plan import AS_BUILT, CHECKPOINT, EPOCHS, LOADED, UNTRAINED
from psubench.measure.first_calls import alive
from psubench.measure.mismatch import mismatch
from psubench.models import Network
from psubench.models.loaded import loads_weights
from psubench.neurons.operations import dynamics
from psubench.records import counted
from psubench.records.run import SparsityCase, case_of
from psubench.sops import energy_models
from psubench.sops.network import calibrate, count, pictures
from psubench.sops.rows import Pricing, layer_rows
from psubench.training.train_here import train_briefly
from psubench.training.weights import Weights, load


@dataclass
class ActivityProbe:
    """State of a worker while it counts.

    Attributes:
        mark: told what is about to run, so that the parent knows whom to blame.
    """

    job: Job
    mark: Callable[[str, str], None]

    def run(self) -> counted.Activity:
        """Counts one case; returns its record, in which a failure has a status and a message."""
        ((key, name, text, _),) = self.job.entries
        about: dict[str, Any] = {"key": key, "neuron": name, "message": None}
        try:
            found = self._counted(neurons.parse(text), partial(self.mark, name, "count"))
            outcome = counted.CountedOutcome(**about, status="ok", **found)
        except Exception as error:  # the worker's border: a plug-in may raise anything
            outcome = counted.CountedOutcome(**about, status="failed")
            outcome.fail(error)
        case = case_of(self.job.case)
        assert isinstance(case, SparsityCase)
        return counted.Activity(case=case, process=self.job.process, cases=[outcome])

    def _counted(self, ref: neurons.NeuronRef, mark: Callable[[], None]) -> dict[str, Any]:
        mark()
        case, T = self.job.case, self.job.case["T"]
        network, parameters = self._network(ref)
        weights = self._trained(ref, mark)
        if weights is not None:
            weights.into(network.module)
        torch.manual_seed(self.job.seed)  # of neurons that draw their spikes
        fresh = UNTRAINED if case["weights"] == UNTRAINED else AS_BUILT
        if weights is None and self._loaded(network, ref):
            fresh = LOADED
        norms = calibrate(network.module, _marked(self._batches("train"), mark)) if fresh == UNTRAINED else 0
        test = self._test_split()
        layers = count(
            network.module, network.spiking, self._batches(test),
            fold=case["pooling"] == "fold", counting=neurons.output(ref) == "counts", mark=mark,
        )  # fmt: skip
        model = energy_models.parse(case["energy_model"])
        rows = layer_rows(layers, dynamics(ref, T), T, Pricing(model, case["first_layer"], case["pooling"]))
        total, first = rows[-1], next(self._batches(test))
        spiking = network.spiking.values()
        exact = {name: total[name] for name in ("spikes", "neuron_steps", "sop_eff", "mac_textbook")}
        data_ref = data.parse(case["data"])
        shown = pictures(network, first[:, :1])
        return {
            "weights": fresh if weights is None else weights.origin,
            "exact": {**exact, "parameters": parameters},
            "split": test,
            "note": data.note(data_ref, T),
            "calibrated_layers": norms,
            "energy_model": _described(model),
            "layers": [counted.Layer(**row) for row in rows],
            "mismatch": mismatch(ref, T, spiking, lambda: network.module(first)),
            "maps": [counted.Map(**one) for one in shown["maps"]],
            "raster": [counted.Raster(**one) for one in shown["raster"]],
        }

    def _network(self, ref: neurons.NeuronRef) -> tuple[Network, int]:
        """The network with the same weights for every neuron, and how many it has without the neurons'."""
        case, T = self.job.case, self.job.case["T"]
        torch.manual_seed(self.job.seed)
        network = self._built(ref)
        inside = {id(p) for layer in network.spiking.values() for p in layer.parameters()}
        parameters = sum(p.numel() for p in network.module.parameters() if id(p) not in inside)
        device = open_device(case["device"], T=T, phase="infer", seed=self.job.seed)
        network.module.to(device.torch_device, getattr(torch, case["dtype"])).eval()
        self._place = device.torch_device
        return network, parameters

    def _loaded(self, network: Network, ref: neurons.NeuronRef) -> bool:
        """Whether the constructor of a plug-in has loaded weights."""
        if not models.parse(self.job.case["model"]).is_plugin:
            return False
        dtype = getattr(torch, self.job.case["dtype"])

        def again() -> Network:
            made = self._built(ref)
            made.module.to(dtype)
            return made

        return loads_weights(network, again, self.job.seed)

    def _built(self, ref: neurons.NeuronRef) -> Network:
        case, T = self.job.case, self.job.case["T"]
        model, data_ref = models.parse(case["model"]), data.parse(case["data"])
        step, classes = (None, 10) if self._noise() else data.shape(data_ref, T, batch=case["batch"])
        shape = models.shape_for(model, step, data_ref.name)

        def neuron() -> torch.nn.Module:
            # Neurons may draw weights of their own, after which those of the network would be others.
            with torch.random.fork_rng(devices=[]):
                return neurons.build(ref, T)

        return models.build(model, None if ref.kind == neurons.OWN else neuron, T, shape, classes)

    def _trained(self, ref: neurons.NeuronRef, mark: Callable[[], None]) -> Weights | None:
        """What a training has made of this network, from a file or on the spot; None if it is untrained."""
        case = self.job.case
        model, data_ref = models.parse(case["model"]), data.parse(case["data"])
        if case["weights"] in (UNTRAINED, AS_BUILT):
            return None
        if case["weights"].startswith(CHECKPOINT):
            path = Path(case["weights"].removeprefix(CHECKPOINT))
            return load(path, model=model, neuron=ref, T=case["T"])
        with alive(mark):
            return train_briefly(
                model=model, neuron=ref, data=data_ref, T=case["T"],
                epochs=int(case["weights"].removeprefix(EPOCHS)), seed=self.job.seed,
                device=case["device"], threads=case["threads"],
            )  # fmt: skip

    def _noise(self) -> bool:
        ref = data.parse(self.job.case["data"])
        return not ref.is_plugin and data.TABLE[ref.kind].step is None

    def _test_split(self) -> str:
        """The split that is counted: recordings that no training has seen, where there are any."""
        ref = data.parse(self.job.case["data"])
        splits = ("train", "test") if ref.is_plugin else data.TABLE[ref.kind].splits
        return "test" if "test" in splits else "train"

    def _batches(self, split: str) -> Iterator[Tensor]:
        """x [T, B, *] of the asked number of samples, or of as many as there are."""
        case, left = self.job.case, self.job.case["samples"]
        source = self._noises(split) if self._noise() else self._recordings(split)
        for x in source:
            part = x[:, :left].to(self._place, getattr(torch, case["dtype"]))
            left -= part.shape[1]
            yield part
            if not left:
                return

    def _recordings(self, split: str) -> Iterator[Tensor]:
        case = self.job.case
        ref = data.parse(case["data"])
        given = data.batches(ref, T=case["T"], batch=case["batch"], seed=self.job.seed, split=split)
        return (x for x, _ in given)

    def _noises(self, split: str) -> Iterator[Tensor]:
        """Noise of another seed for every batch and split."""
        case = self.job.case
        shape = models.shape_for(models.parse(case["model"]), None, case["data"])
        for number in itertools.count():
            seed = 2 * (self.job.seed + number) + (split == "test")
            x, _ = data.currents(
                case["data"], T=case["T"], batch=case["batch"], size=math.prod(shape), seed=seed
            )
            yield x.view(case["T"], -1, *shape)


def _marked(batches: Iterator[Tensor], mark: Callable[[], None]) -> Iterator[Tensor]:
    for x in batches:
        yield x
        mark()


def _described(model: energy_models.EnergyModel) -> counted.EnergyModel:
    return counted.EnergyModel(
        name=model.name,
        source=model.source,
        verified=model.verified,
        omits=model.omits,
        constants_pj=dict(model.constants),
    )
