"""From options to the blocks of a run. Imports no torch."""

from __future__ import annotations

from typing import NamedTuple

from psubench import data, models
from psubench.errors import PsubenchError
from psubench.experiments.axes import Axes, Calls
from psubench.experiments.network_neurons import asked
from psubench.experiments.speed.options import SpeedOptions
from psubench.neurons import OWN, NeuronRef, parse
from psubench.runs.case import Block
from psubench.runs.case import blocks as case_blocks

LAYER = "neuron"
"""Name of the model that is one layer of neurons."""
LAYER_BATCH, LAYER_DATA = 32, "spoken-digits"
CPU_BATCH = 8
"""Batch of a network on a CPU, where the batches of the papers would take minutes per call."""
PLUGIN_T = 10
UNSAID = "lif"
"""The reference of those who name none."""


class Meant(NamedTuple):
    """A model and its default axes.

    Attributes:
        data: synthetic, if the real recordings must be downloaded.
        real: recordings on which its spikes are counted.
    """

    model: str
    T: tuple[int, ...]
    batch: tuple[int, ...]
    data: str
    real: str


def meant(text: str, device: str, layer_steps: tuple[int, ...] = (), spiking: str | None = None) -> Meant:
    """The model of a text with its own T, batch and data.

    Args:
        device: as `devices.resolve` gives it; a network has its own batch on a GPU only.
        layer_steps: of model "neuron".
        spiking: patterns of the names of a plug-in's spiking layers.
    """
    if text.strip() == LAYER:
        if spiking is not None:
            raise PsubenchError("--spiking with model neuron: one layer has no names", "give a network")
        return Meant(LAYER, layer_steps, (LAYER_BATCH,), LAYER_DATA, LAYER_DATA)
    ref = models.parse(text, spiking)
    if ref.is_plugin:
        return Meant(ref.name, (PLUGIN_T,), (CPU_BATCH,), "normal", "normal")
    spec = models.TABLE[ref.kind]
    batch = spec.batch if device.startswith("cuda") else CPU_BATCH
    return Meant(ref.name, (spec.T,), (batch,), spec.data, spec.real)


def speed_blocks(options: Calls, reference: str, device: str, kind: str = "speed") -> list[Block]:
    """Every combination of the axes as a block, with every name checked.

    Args:
        options: data, T and batch that are None are those of the model: of a network its own T and data,
            and on a GPU its own batch.
        reference: first in every block.
        device: as `devices.resolve` gives it.
        kind: the kind of run: "speed", "energy" or "profile".

    Raises:
        PsubenchError: a name is unknown, or model, data and mode do not fit together.
    """
    model = meant(options.model, device, options.layer_steps, options.spiking)
    data_name = data.parse(options.data or model.data).name
    _check_fit(model.model, data_name, options)
    Ts, batches = options.T or model.T, options.batch or model.batch
    refs = asked(
        options.neurons, None if model.model == LAYER else models.parse(model.model),
        data_name=data_name, T=Ts[0], batch=batches[0], device=device,
    )  # fmt: skip
    return case_blocks(
        refs,
        _reference(reference, refs),
        Ts,
        batches,
        options.size if model.model == LAYER else [None],
        options.phase,
        options.mode,
        kind=kind,
        model=model.model,
        data=data_name,
        device=device,
        dtype=options.dtype,
        threads=options.threads,
    )


def blocks(options: SpeedOptions, device: str) -> list[Block]:
    """What is timed: the blocks of `speed_blocks`."""
    return speed_blocks(options, options.reference, device)


def _reference(text: str, refs: list[NeuronRef]) -> NeuronRef:
    """What is compared with; a network with its own neurons is its own reference."""
    if [ref.kind for ref in refs] != [OWN]:
        return parse(text)
    if text.strip() not in (UNSAID, OWN):
        raise PsubenchError(
            f'reference "{text}": the network takes no neuron and is measured with its own',
            "leave --reference out",
        )
    return refs[0]


def _check_fit(model: str, data_name: str, options: Calls) -> None:
    if model != LAYER:
        return check_data(model, data_name)
    if options.mode != ("layer",):
        raise PsubenchError(
            f"mode {','.join(options.mode)} with model neuron: one layer is not a network",
            "leave the mode out, or give a network such as shd",
        )
    return None


def check_data(model: str, data_name: str) -> None:
    """Raises PsubenchError if a network does not take the steps of a data set."""
    ref = data.parse(data_name)
    if ref.is_plugin or models.parse(model).is_plugin:
        return  # plug-in code is not executed before the run begins
    models.shape_for(models.parse(model), data.TABLE[ref.kind].step, ref.name)


def weights(options: Axes, checkpoint: str | None) -> str | None:
    """The checkpoint that a network starts from; a single layer has none.

    Raises:
        PsubenchError: weights for model "neuron".
    """
    if checkpoint is not None and options.model.strip() == LAYER:
        raise PsubenchError("checkpoint with model neuron: one layer was not trained", "give a network")
    return checkpoint
