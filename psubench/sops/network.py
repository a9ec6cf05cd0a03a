"""A network over many batches: normalisation calibrated, operations counted, maps of its spikes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from psubench.models import Network
from psubench.models.spikes import all_steps, listening
from psubench.neurons.calling import grad_mode
from psubench.sops.counter import UNMET, Counter
from psubench.sops.last_check import last_check
from psubench.sops.layer_counts import LayerCounts

CHECKED_SAMPLES = 4
"""Samples with which the last check runs the network again; several, because one may have no spikes."""
MAP_LAYERS, MAP_CHANNELS, RASTER_NEURONS = 3, 4, 48
"""Largest number of layers and channels with maps, and of neurons per layer in the raster."""


def calibrate(module: nn.Module, batches: Iterable[Tensor]) -> int:
    """Sets the statistics of normalisation layers to those of their inputs; returns the number of layers.

    An untrained network has running statistics of 0 and 1, with which deep layers fall silent. Everything
    else is in evaluation mode, weights stay, and statistics are averages over the batches.
    """
    module.eval()
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # an average in which all batches have equal weight
        norm.train()
    with torch.no_grad():
        for x in batches if norms else ():
            module(x)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
        norm.eval()
    return len(norms)


def count(
    module: nn.Module,
    spiking: Mapping[str, nn.Module],
    batches: Iterable[Tensor],
    *,
    fold: bool = False,
    counting: bool = False,
    ann: bool = False,
    inference: bool = True,
    mark: Callable[[], None] = lambda: None,
) -> list[LayerCounts]:
    """Counts of every layer over batches [T, B, *].

    Args:
        spiking: neuron layers by name.
        fold, counting: see `Counter`.
        ann: whether its neurons are activations of an artificial neural network, which skips no zeros.
        inference: whether it runs in inference mode; else under `no_grad`.
        mark: called after every batch.
    """
    first = None
    mode = grad_mode(train=False, inference=inference)
    with mode, Counter(module, spiking, fold=fold, counting=counting) as counter:
        for x in batches:
            first = x if first is None else first
            module(x)
            mark()
    found = counter.counts()
    if first is not None:
        incomplete = {layer.layer for layer in found if _named(layer)}
        verdict = last_check(module, spiking, first[:, :CHECKED_SAMPLES], incomplete, inference=inference)
        if verdict.unchecked:  # a network with states may accept only its own batch size
            verdict = last_check(module, spiking, first, incomplete, inference=inference)
        found = counter.counts(verdict)
    if ann:
        return [layer.as_macs() for layer in found]
    return [layer.as_events() for layer in found] if counting else found


def _named(layer: LayerCounts) -> bool:
    """Whether something in a layer is known to be missing, apart from unused weights."""
    return any(why != UNMET for why in layer.uncounted)


def pictures(network: Network, x: Tensor, *, inference: bool = True) -> dict[str, Any]:
    """Spikes of one sample x [T, 1, *] for figures: maps of some channels, and a raster of some neurons.

    Both choose evenly spread layers, channels and neurons, so that networks of one shape show the same.

    Returns:
        maps: per layer with two dimensions of space its name, channels, and per channel the spikes over
            all T steps as rows of integers; raster: per layer its name, the number of its neurons, the
            neurons that are shown and their spikes as pairs of step and place.
    """
    given: dict[str, list[Tensor]] = {}
    with (
        grad_mode(train=False, inference=inference),
        listening(network.spiking, lambda name, _, spikes: given.setdefault(name, []).append(spikes)),
    ):
        network.module(x)
    leading = (x.shape[0], x.shape[1])
    outputs = {name: all_steps(network, name, some, leading)[:, 0] != 0 for name, some in given.items()}
    spatial = [name for name, spikes in outputs.items() if spikes.dim() == 4]
    return {
        "maps": [_map(spatial[i], outputs[spatial[i]]) for i in spread(len(spatial), MAP_LAYERS)],
        "raster": [_raster(name, spikes.flatten(1)) for name, spikes in outputs.items()],
    }


def spread(count: int, most: int) -> list[int]:
    """At most `most` of 0 .. count - 1, evenly spread, including the first and the last."""
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})


def _map(name: str, spikes: Tensor) -> dict[str, Any]:
    channels = spread(spikes.shape[1], MAP_CHANNELS)
    return {"layer": name, "channels": channels, "spikes": spikes[:, channels].sum(0).tolist()}


def _raster(name: str, spikes: Tensor) -> dict[str, Any]:
    neurons = spread(spikes.shape[1], RASTER_NEURONS)
    return {
        "layer": name,
        "of": spikes.shape[1],
        "neurons": neurons,
        "spikes": spikes[:, neurons].nonzero().tolist(),
    }
