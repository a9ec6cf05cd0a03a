"""Counts of the layers while a network runs, and what the rules must remember during a forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from psubench.sops import fan_out
from psubench.sops.activations import Elements, totals
from psubench.sops.fan_out import Reach
from psubench.sops.layer_counts import LayerCounts
from psubench.sops.marks import Label, Mark, Marks
from psubench.sops.weight_tracking import Weights

INPUT = "input"
"""The layer for operations before the first synapse: a normalisation or a pooling of the input."""
SYNAPSES = frozenset({"linear", "conv"})


class Ledger:
    """The counts of all layers.

    Args:
        weights: of the network.
        fold, counting: see `Counter`.
    """

    def __init__(self, weights: Weights, fold: bool, counting: bool = False) -> None:
        self.layers: dict[tuple[str, str], LayerCounts] = {}
        self.weights, self.last, self.elements = weights, INPUT, Elements()
        self.met: set[str] = set()
        """Parameters and buffers that a counted operation has used."""
        self.compared: list[Tensor] | None = None
        """Inputs of the operation that no weight may change, if it was counted: see `last_check`."""
        self.becomes: Label = None
        """Label of the operation's result, if it does not follow from its inputs."""
        self._fold, self._counting, self._samples, self._products = fold, counting, 0, 0
        self._seen: set[int] = set()
        self._nonzero = Marks()
        self._pending: dict[int, tuple[Callable[[], object], tuple[int, ...]]] = {}
        self._later = 0

    def begin(self, samples: int) -> None:
        """A forward pass of `samples` samples begins."""
        self.last, self._samples, self._products = INPUT, samples, 0
        self._seen.clear()
        self._pending.clear()

    def end(self) -> None:
        """The forward pass has ended; weights may change before the next."""
        for count, _ in self._pending.values():
            count()
        self._pending.clear()
        self._nonzero = Marks()
        self.weights.forget_freed()
        self.elements.forget_freed()

    def layer(self, name: str, role: str = "synapse") -> LayerCounts:
        """The counts of a layer, created when it is first reached."""
        found = self.layers.setdefault((name, role), LayerCounts(name, role))
        if id(found) not in self._seen:  # once per forward pass
            self._seen.add(id(found))
            found.n_samples += self._samples
        return found

    def report(self, name: str, operation: str) -> None:
        """An operation of a layer could not be counted."""
        layer = self.layer(name)
        layer.uncounted = tuple(dict.fromkeys((*layer.uncounted, operation.replace("::", "."))))

    def counted(self, *marks: Mark | None, compared: tuple[Tensor, ...] = ()) -> None:
        """The running operation is counted, including its use of these weights.

        Args:
            compared: its activations, which must be the same whatever the weights are.
        """
        for mark in marks:
            self.met |= frozenset() if mark is None else mark.roots
        self.compared = [*(self.compared or ()), *compared]

    def later(self, count: Callable[[], object], after: tuple[int, ...]) -> tuple[int, ...]:
        """Counts at the end of the forward pass, unless `cancel` is called with the returned number.

        Args:
            after: numbers of pending counts that are cancelled with it.
        """
        self._later += 1
        self._pending[self._later] = count, after
        return (self._later,)

    def cancel(self, numbers: tuple[int, ...]) -> None:
        """Cancels a pending count."""
        for number in numbers:
            found = self._pending.pop(number, None)
            if found is not None:
                self.cancel(found[1])

    def fired(self, name: str, spikes: Tensor, leading: tuple[int, ...]) -> None:
        """Counts the spikes of a neuron layer; per step if its output has the input's steps and samples."""
        layer = self.layer(name, "neuron")
        layer.kind = "neuron"
        layer.neuron_steps += spikes.numel()
        if len(leading) == 2 and tuple(spikes.shape[:2]) == leading:
            layer.shape = tuple(spikes.shape[2:])
            steps = [self._events(step) for step in spikes.unbind(0)]
            before = layer.spikes_per_step or (0,) * len(steps)
            layer.spikes_per_step = tuple(a + b for a, b in zip(before, steps, strict=True))
            layer.spikes += sum(steps)
        else:
            layer.shape = tuple(spikes.shape[1:])
            layer.spikes += self._events(spikes)

    def _events(self, output: Tensor) -> int:
        """How many spikes an output stands for: a count of c for c."""
        return int(output.abs().sum(dtype=torch.float64)) if self._counting else fan_out.active(output)

    def synapse(
        self, mark: Mark, x: Tensor, reach: Reach, nonzero: Tensor, *, source: Tensor, inside: Tensor | None
    ) -> LayerCounts:
        """Counts a synaptic operation.

        Args:
            x: its input, the summed-over samples first: [N, channels, *inputs].
            reach: of one sample.
            nonzero: per channel and tap, how many weights are not 0, shaped as `reach.met` gives it.
            source: the operand from which x was made.
            inside: 1 where an element of x is not padding, 0 elsewhere; None if there is no padding.
        """
        layer = self._synaptic_layer(mark, reach)
        divisor = self._divisor(layer, source)
        seen = x if divisor is None else totals(x, divisor)
        found = fan_out.Sums(*(part.cpu() for part in fan_out.sums(seen)))
        dense = len(x) * reach.dense(x.shape[1])
        if inside is not None:
            dense = int(reach.total(inside.sum(0, dtype=found.active.dtype)))
        layer.events = (layer.events or 0) + int(found.active.sum())
        unit = int(reach.total(found.unit))
        graded = int(reach.total(found.active)) - unit
        if mark.recurrent:
            layer.recurrent_unit += unit
            layer.recurrent_graded += graded
            layer.recurrent_dense += dense
            return layer
        layer.sop_unit += unit
        layer.sop_graded += graded
        layer.sop_dense += dense
        layer.sop_eff_nzw += int((reach.met(found.active) * nonzero).sum())
        layer.sop_value += reach.total(found.value) / (divisor or 1)
        if layer.sop_events is not None:
            size = found.unit if not graded else fan_out.sum_of_integers(seen)
            layer.sop_events = None if size is None else layer.sop_events + int(reach.total(size.cpu()))
        return layer

    def _synaptic_layer(self, mark: Mark, reach: Reach) -> LayerCounts:
        layer = self.layer(mark.layer)
        if not layer.kind:
            layer.first = not any(c.kind in SYNAPSES for c in self.layers.values())
            layer.kind, layer.shape = "conv" if reach.taps else "linear", mark.shape
            layer.sop_events = 0 if layer.first or self._counting else None
        self.last = mark.layer
        return layer

    def _divisor(self, layer: LayerCounts, source: Tensor) -> int | None:
        """The divisor of the elements of an input that is now part of the weights."""
        average = self.elements.average(source) if self._fold else None
        if average is None:
            return None
        if average.of is None:
            layer.unfolded = tuple(dict.fromkeys((*layer.unfolded, average.why)))
        return average.of

    def product(self, a: Tensor, b: Tensor) -> LayerCounts:
        """Counts a product of two activations [n, m, k] and [n, k, p]: pairs of events on both sides."""
        self._products += 1
        layer = self.layer(f"product {self._products}")
        layer.kind = "product"
        found = fan_out.meetings(a, b)
        layer.events = (layer.events or 0) + found.events
        layer.sop_unit += found.unit
        layer.sop_graded += found.active - found.unit
        layer.sop_eff_nzw += found.active
        layer.sop_value += found.value
        dense = a.shape[0] * a.shape[1] * a.shape[2] * b.shape[2]
        layer.sop_dense += dense
        layer.mac_textbook += dense
        return layer

    def nonzero(self, weight: Tensor, count: Callable[[], Tensor]) -> Tensor:
        """`count()` of a weight, computed once per forward pass while it stays as it is."""
        if weight.is_inference():  # it has no version by which a change could be detected
            return count().cpu()
        # By memory and not by address, which another weight may have had before.
        known: dict[Any, Tensor] = self._nonzero.get(weight) or {}
        key = (weight.storage_offset(), weight.shape, weight.stride(), weight.dtype, weight._version)
        if key not in known:
            known = {**known, key: count().cpu()}
            self._nonzero.set(weight, known)
        return known[key]
