"""From counts to the work that an energy model prices: policies applied, neuron dynamics added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

FIRST_LAYER = ("sparse_mac", "dense_mac", "as_events")
"""What the first layer's input costs: a multiply-accumulate per element that is not 0 and not 1 (as in any
other layer); one per element, 0 or not; or, for inputs that count events, an accumulate per event."""
POOLING = ("graded", "fold")
"""What an average of spikes costs: that of a graded input; or, with its divisor folded into the
weights behind it, as the sum of spikes."""


@dataclass(frozen=True)
class Work:
    """The operations that an energy model prices, over all samples. None is unknown.

    Attributes:
        mac: multiply-accumulates of synapses, recurrent ones included.
        ac: accumulates of synapses, recurrent ones included.
        bias: additions of biases.
        events: inputs of synapses that are not 0; each is read and addressed once.
        conv_events: those of them that are inputs of convolutions.
        spikes: written by neurons.
        updates: of neurons that are updated step by step, one per neuron and step; None for others.
        dynamics_mac, dynamics_ac, dynamics_cmp, dynamics_nonlin: operations of the neurons themselves.
    """

    mac: int | None = 0
    ac: int | None = 0
    bias: int | None = 0
    events: int | None = 0
    conv_events: int | None = 0
    spikes: int | None = 0
    updates: int | None = 0
    dynamics_mac: int | None = 0
    dynamics_ac: int | None = 0
    dynamics_cmp: int | None = 0
    dynamics_nonlin: int | None = 0

    def idle(self) -> Work:
        """What is left of the work of synapses if no input is other than 0."""
        return replace(self, mac=0, ac=0, events=0, conv_events=0)

    def __add__(self, other: Work) -> Work:
        """The sum of both; a sum with unknown is unknown."""
        pairs = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        return Work(**{name: None if None in pair else sum(pair) for name, pair in pairs.items()})


UNKNOWN = Work(**dict.fromkeys((f.name for f in fields(Work)), None))


def of_synapse(layer: Mapping[str, Any], first_layer: str) -> Work:
    """Work of a synapse layer, given as the fields of its `LayerCounts`.

    Args:
        first_layer: one of `FIRST_LAYER`. `as_events` is unknown if the input contains numbers other than
            integers.
    """
    if layer["uncounted"]:
        return UNKNOWN
    mac, ac, events = layer["sop_graded"], layer["sop_unit"], layer["events"]
    if layer["first"] and first_layer == "dense_mac":
        mac, ac = layer["sop_dense"], 0
    elif layer["first"] and first_layer == "as_events":
        mac, ac = (None, None) if layer["sop_events"] is None else (0, layer["sop_events"])
    recurrent = layer["recurrent_graded"], layer["recurrent_unit"]
    addressed = events if layer["kind"] == "conv" else 0
    return Work(mac, ac, layer["bias"], events, addressed) + Work(*recurrent)


def of_neurons(layer: Mapping[str, Any], T: int, ideal: Mapping[str, int] | None, serial: bool) -> Work:
    """Work of a neuron layer.

    Args:
        layer: the fields of its `LayerCounts`.
        T: steps over which `ideal` holds.
        ideal: the fields of the neuron's `Operations`; None if they are unknown.
        serial: see `psubench.neurons.operations.Dynamics`.
    """
    if layer["uncounted"]:
        return UNKNOWN
    updates = layer["neuron_steps"] if serial else None
    found = of_dynamics(layer, T, ideal)
    names = {f"dynamics_{name}": value for name, value in found.items()}
    return Work(spikes=layer["spikes"], updates=updates, **names)


def of_dynamics(
    layer: Mapping[str, Any], T: int, per_neuron: Mapping[str, int] | None
) -> dict[str, int | None]:
    """mac, ac, cmp and nonlin of all neurons and samples of a layer; None if unknown."""
    if per_neuron is None:
        return dict.fromkeys(("mac", "ac", "cmp", "nonlin"))
    passes = layer["neuron_steps"] // T
    total = {name: per_neuron[name] * passes for name in ("mac", "ac", "cmp", "nonlin")}
    for name in ("ac", "nonlin"):
        total[name] += per_neuron[f"{name}_per_spike"] * layer["spikes"]
    return {**total}
