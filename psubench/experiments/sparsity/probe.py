"""Spikes and operations of one network in one worker process: build, calibrate, count."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from psubench import data, models, neurons
from psubench.devices import open_device
from psubench.errors import WrongError
from psubench.experiments.sparsity.plan import AS_BUILT, EPOCHS, LOADED, UNTRAINED
from psubench.measure.first_calls import alive
from psubench.measure.job import AtWork
from psubench.measure.mismatch import mismatch
from psubench.measure.spike_counts import activity
from psubench.measure.subject import runs_without_inference
from psubench.models import Network
from psubench.models.loaded import loads_weights
from psubench.models.spikes import listening
from psubench.neurons.calling import grad_mode
from psubench.neurons.checks import NO_REFERENCE
from psubench.neurons.operations import dynamics
from psubench.neurons.outputs import Seen
from psubench.records import counted
from psubench.records.bounds import NO_SPIKES
from psubench.records.events import Failed
from psubench.records.run import SparsityCase, case_of
from psubench.runs.case import CHECKPOINT
from psubench.sops import energy_models
from psubench.sops.network import calibrate, count, pictures
from psubench.sops.rows import Pricing, layer_rows, without_spikes
from psubench.training.layer_gate import LayerGate
from psubench.training.train_here import train_here
from psubench.training.weights import Weights, load


class _Checked(NamedTuple):
    """What the gate says of a network.

    Attributes:
        doubt: why the spikes are not verified, if they are not.
        spikes: their counts and hash on the first batch.
        output: what the neurons give, one of `neurons.OUTPUTS`.
    """

    doubt: str | None
    spikes: dict[str, Any]
    output: str
    notes: list[str]


@dataclass
class ActivityProbe(AtWork):
    """State of a worker while it counts.

    Attributes:
        inference: whether it counts in inference mode; else under `no_grad`.
        ref: the neuron of the case.
    """

    inference: bool = True
    ref: neurons.NeuronRef = field(init=False)

    @property
    def steps(self) -> int:
        """Steps that the network runs for."""
        return neurons.steps(self.ref, self.job.case["T"])

    def run(self) -> counted.Activity:
        """Counts one case; returns its record, in which a failure has a status and a message."""
        ((key, name, text, _),) = self.job.entries
        about: dict[str, Any] = {"key": key, "neuron": name, "message": None}
        try:
            self.ref = neurons.parse(text)
            found = self._tried(self.ref, partial(self.mark, name, "count"))
            outcome = counted.CountedOutcome(**about, status="ok", **found)
        except BaseException as error:  # the boundary of the worker: a plug-in may raise anything
            outcome = counted.CountedOutcome(**about, status="failed")
            outcome.fail(error)
            self.say(Failed(name, outcome.status, outcome.message))
        case = case_of(self.job.case)
        assert isinstance(case, SparsityCase)
        return counted.Activity(case=case, process=self.job.process, cases=[outcome])

    def _tried(self, ref: neurons.NeuronRef, mark: Callable[[], None]) -> dict[str, Any]:
        """Counts in inference mode, and where the network does not run there, under `no_grad`."""
        try:
            return self._counted(ref, mark)
        except Exception as error:
            if not runs_without_inference(error):
                raise
            why = error
        self.inference = False
        try:
            return self._counted(ref, mark)
        except WrongError:
            raise
        except Exception:
            raise why from None

    def _counted(self, ref: neurons.NeuronRef, mark: Callable[[], None]) -> dict[str, Any]:
        mark()
        case, T = self.job.case, self.steps
        network, parameters = self._network(ref)
        origin = self._weighted(network, ref, mark)
        norms = calibrate(network.module, _marked(self._batches("train"), mark)) if origin == UNTRAINED else 0
        test = self._test_split()
        first = next(self._batches(test))
        checked = self._checked(network, ref, first, mark)
        layers = count(
            network.module, network.spiking, self._batches(test),
            fold=case["pooling"] == "fold", counting=checked.output == "counts",
            ann=neurons.is_ann(ref), inference=self.inference, mark=mark,
        )  # fmt: skip
        model = energy_models.parse(case["energy_model"])
        rows = layer_rows(layers, dynamics(ref, T), T, Pricing(model, case["first_layer"], case["pooling"]))
        if checked.output in NO_SPIKES:
            rows = [without_spikes(row) for row in rows]
        if self._spikes(network, first, mark) != checked.spikes:
            raise WrongError("after its operations were counted it gives other spikes than before")
        some = pictures(network, first[:, :1], inference=self.inference)
        shown = {name: [] for name in some} if neurons.is_ann(ref) else some
        return {
            "verified": checked.doubt is None,
            "doubt": checked.doubt,
            "output": checked.output,
            "notes": checked.notes,
            "weights": origin,
            "exact": {**_exact(rows[-1]), "parameters": parameters},
            "split": test,
            "note": data.note(data.parse(case["data"]), T),
            "calibrated_layers": norms,
            "energy_model": _described(model),
            "layers": [counted.Layer(**row) for row in rows],
            "mismatch": mismatch(ref, T, network.spiking.values(), lambda: network.module(first)),
            "maps": [counted.Map(**one) for one in shown["maps"]],
            "raster": [counted.Raster(**one) for one in shown["raster"]],
        }

    def _weighted(self, network: Network, ref: neurons.NeuronRef, mark: Callable[[], None]) -> str:
        """Puts the weights of the case into a network; where they come from, in words."""
        weights = self._trained(ref, mark)
        if weights is not None:
            weights.into(network.module)
        torch.manual_seed(self.job.seed)  # for neurons that draw their spikes
        if weights is not None:
            return weights.origin
        if self._loaded(network, ref):
            return LOADED
        return UNTRAINED if self.job.case["weights"] == UNTRAINED else AS_BUILT

    def _checked(
        self, network: Network, ref: neurons.NeuronRef, x: Tensor, mark: Callable[[], None]
    ) -> _Checked:
        """Lets every spiking layer through the gate on the first batch that is counted.

        The numbers that neurons draw while they are counted are those that they would draw without it.

        Raises:
            WrongError: a layer disagrees with its reference, or writes to its input.
        """
        if network.own:
            seen = Seen()
            with listening(network.spiking, lambda *_: None, seen):
                spikes = self._spikes(network, x, mark)
            return _Checked(NO_REFERENCE, spikes, seen.kind, seen.notes(inference=self.inference))
        with torch.random.fork_rng():
            gate = LayerGate(network, ref, self.steps, False, self.job.seed, mark, self.inference)
            doubt = gate.check_reached(gate.reached(lambda: network.module(x)))
        output = gate.seen.kind if ref.is_plugin else neurons.output(ref)
        notes = gate.seen.notes(inference=self.inference)
        return _Checked(doubt, self._spikes(network, x, mark), output, notes)

    def _spikes(self, network: Network, x: Tensor, mark: Callable[[], None]) -> dict[str, Any]:
        """Counts and hash of all spikes on x, with the seed set, as they are counted."""
        found: list[Tensor] = []
        mark()
        with torch.random.fork_rng(), grad_mode(train=False, inference=self.inference):
            torch.manual_seed(self.job.seed)
            with listening(network.spiking, lambda _name, _given, output: found.append(output)):
                network.module(x)
        return activity(found)

    def _network(self, ref: neurons.NeuronRef) -> tuple[Network, int]:
        """The network with the same weights for every neuron, and the number of its own parameters."""
        case, T = self.job.case, self.steps
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
        case, T = self.job.case, self.steps
        model, data_ref = models.parse(case["model"]), data.parse(case["data"])
        step, classes = (None, 10) if self._noise() else data.shape(data_ref, case["T"], batch=case["batch"])
        shape = models.shape_for(model, step, data_ref.name)

        def neuron() -> torch.nn.Module:
            # Neurons may draw their own weights, which would change the draws for the network.
            with torch.random.fork_rng(devices=[]):
                return neurons.build(ref, T)

        return models.build(model, None if ref.kind == neurons.OWN else neuron, T, shape, classes)

    def _trained(self, ref: neurons.NeuronRef, mark: Callable[[], None]) -> Weights | None:
        """The trained weights of this network, from a file or trained here; None if it is untrained."""
        case = self.job.case
        model, data_ref = models.parse(case["model"]), data.parse(case["data"])
        if case["weights"] in (UNTRAINED, AS_BUILT):
            return None
        if case["weights"].startswith(CHECKPOINT):
            path = Path(case["weights"].removeprefix(CHECKPOINT))
            return load(path, model=model, neuron=ref, T=case["T"])
        with alive(mark):
            return train_here(
                model=model, neuron=ref, data=data_ref, T=case["T"],
                epochs=int(case["weights"].removeprefix(EPOCHS)), seed=self.job.seed,
                device=case["device"], threads=case["threads"],
            )  # fmt: skip

    def _noise(self) -> bool:
        ref = data.parse(self.job.case["data"])
        return not ref.is_plugin and data.TABLE[ref.kind].step is None

    def _test_split(self) -> str:
        """The split that is counted: recordings that no training has used, if there are any."""
        ref = data.parse(self.job.case["data"])
        splits = ("train", "test") if ref.is_plugin else data.TABLE[ref.kind].splits
        return "test" if "test" in splits else "train"

    def _batches(self, split: str) -> Iterator[Tensor]:
        """x [T, B, *] of the requested number of samples, or of as many as there are."""
        case, left = self.job.case, self.job.case["samples"]
        source = self._noises(split) if self._noise() else self._recordings(split)
        for x in source:
            part = neurons.presented(self.ref, x[:, :left]).to(self._place, getattr(torch, case["dtype"]))
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
        """Noise with a different seed for every batch and split."""
        case = self.job.case
        shape = models.shape_for(models.parse(case["model"]), None, case["data"])
        for number in itertools.count():
            seed = 2 * (self.job.seed + number) + (split == "test")
            x, _ = data.currents(
                case["data"], T=case["T"], batch=case["batch"], size=math.prod(shape), seed=seed
            )
            yield x.view(case["T"], -1, *shape)


def _exact(total: Mapping[str, Any]) -> dict[str, Any]:
    """The totals that another run of the same code gives again; an analog output has no spikes."""
    found = {name: total[name] for name in ("spikes", "neuron_steps", "sop_eff", "mac_textbook")}
    return {name: count for name, count in found.items() if count is not None or name != "spikes"}


def _marked(batches: Iterator[Tensor], mark: Callable[[], None]) -> Iterator[Tensor]:
    for x in batches:
        yield x
        mark()


def _described(model: energy_models.EnergyModel) -> counted.EnergyModel:
    names = ("name", "source", "verified", "omits")
    same = {name: getattr(model, name) for name in names}
    return counted.EnergyModel(**same, constants_pj=dict(model.constants))
