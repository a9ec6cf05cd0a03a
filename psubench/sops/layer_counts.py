"""Counts of one layer: integer totals over all samples, which add up over batches."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from itertools import zip_longest
from typing import Any

# These identify the layer; all other fields add up.
_NAMES = ("layer", "role", "kind", "shape", "first")


@dataclass
class LayerCounts:
    """Counts of one layer over all samples and steps that it has seen.

    x is the input of a synapse, F(e) the number of outputs that its element e actually reaches: taps that
    fall on the padding reach nothing.

    Attributes:
        layer: name of the module; of the parameter, where it is not called `weight`.
        role: "synapse" or "neuron".
        kind: "linear", "conv" or "neuron"; "product" for a product of two activations; "" for a layer in
            which nothing could be counted.
        shape: of a synapse's weight; of one step of one sample of a neuron's output.
        first: whether it is the first synapse of the forward pass.
        n_samples: samples that were seen.
        spikes: non-zero outputs of a neuron layer; of one that outputs counts, their sum.
        neuron_steps: all its outputs: neurons x steps x samples.
        spikes_per_step: spikes of every step over all samples; empty unless the layer returned [T, B, *].
        events: elements of x that are not 0; None where those that are 0 are read too.
        sop_unit: sum of F(e) over the elements with |x_e| = 1; each is an accumulate.
        sop_graded: sum of F(e) over the other elements that are not 0; each is a multiply-accumulate.
        sop_dense: sum of F(e) over all elements.
        mac_textbook: with the taps on the padding, as FlopCounterMode / 2; of recurrent synapses too.
        sop_eff_nzw: as sop_eff, without the weights that are 0 (NeuroBench's effective operations).
        sop_value: sum of x_e F(e) (sinabs).
        sop_events: sum of |x_e| F(e) of the first layer, and of all layers behind neurons that output counts;
            None if an |x_e| is not an integer, and in other layers.
        recurrent_unit, recurrent_graded, recurrent_dense: like sop_*, for recurrent synapses, which sop_*
            exclude.
        bias: additions of a bias.
        bn: outputs of normalisation layers.
        pooling: elements that poolings and means read.
        residual: additions of two activations.
        uncounted: operations on the layer's weights that could not be counted, because there is no rule.
        unfolded: averages that `fold` left as graded inputs, each with the reason.
    """

    layer: str
    role: str
    kind: str = ""
    shape: tuple[int, ...] = ()
    first: bool = False
    n_samples: int = 0
    spikes: int = 0
    neuron_steps: int = 0
    spikes_per_step: tuple[int, ...] = ()
    events: int | None = 0
    sop_unit: int = 0
    sop_graded: int = 0
    sop_dense: int = 0
    mac_textbook: int = 0
    sop_eff_nzw: int = 0
    sop_value: float = 0.0
    sop_events: int | None = None
    recurrent_unit: int = 0
    recurrent_graded: int = 0
    recurrent_dense: int = 0
    bias: int = 0
    bn: int = 0
    pooling: int = 0
    residual: int = 0
    uncounted: tuple[str, ...] = field(default=())
    unfolded: tuple[str, ...] = field(default=())

    @property
    def sop_eff(self) -> int:
        """Sum of F(e) over the elements of x that are not 0."""
        return self.sop_unit + self.sop_graded

    @property
    def firing_rate(self) -> float | None:
        """Spikes per neuron and step; None for a layer without neurons."""
        return self.spikes / self.neuron_steps if self.neuron_steps else None

    @property
    def complete(self) -> bool:
        """Whether everything in the layer was counted."""
        return not self.uncounted

    def as_events(self) -> LayerCounts:
        """The same with every count of c as c unit inputs, behind neurons that output counts."""
        if self.first or self.sop_events is None:
            return self
        return replace(self, sop_unit=self.sop_events, sop_graded=0)

    def as_macs(self) -> LayerCounts:
        """The same where every input, 0 or not, is multiplied, as in an artificial neural network."""
        synapses = replace(self, sop_graded=self.sop_dense, sop_unit=0, events=None)
        return replace(synapses, recurrent_graded=self.recurrent_dense, recurrent_unit=0)

    def __add__(self, other: LayerCounts) -> LayerCounts:
        """Counts of the same layer over the samples of both."""
        if any(getattr(self, name) != getattr(other, name) for name in _NAMES):
            raise ValueError(f"{self.layer} and {other.layer} are two layers")
        sums: dict[str, Any] = {
            f.name: _sum(getattr(self, f.name), getattr(other, f.name))
            for f in fields(self)
            if f.name not in (*_NAMES, "uncounted", "unfolded", "spikes_per_step")
        }
        steps = zip_longest(self.spikes_per_step, other.spikes_per_step, fillvalue=0)
        return LayerCounts(
            **{name: getattr(self, name) for name in _NAMES},
            **sums,
            spikes_per_step=tuple(a + b for a, b in steps),
            uncounted=tuple(dict.fromkeys(self.uncounted + other.uncounted)),
            unfolded=tuple(dict.fromkeys(self.unfolded + other.unfolded)),
        )


def _sum(one: Any, other: Any) -> Any:
    """The sum; None is unknown, and so is any sum with it."""
    return None if one is None or other is None else one + other
