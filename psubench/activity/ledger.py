"""The layers' counts while a network runs, and what the rules must remember of a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from psubench.activity import fan_out
from psubench.activity.counts import LayerCounts
from psubench.activity.fan_out import Reach
from psubench.activity.weights import Mark, Marks, Weights

INPUT = "input"
"""The layer of what comes before the first synapse: a normalisation or a pooling of the input."""


@dataclass(frozen=True)
class Call:
    """An operation that has run: `aten::mm`, its arguments and what it gave."""

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    output: Any

    def tensors(self) -> list[Tensor]:
        """All tensors among the arguments."""
        return list(_tensors((*self.args, *self.kwargs.values())))

    def outputs(self) -> list[Tensor]:
        """All tensors that it gave."""
        return list(_tensors((self.output,)))

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """An argument, given by its place or by its name."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(name, default)


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


class Ledger:
    """The counts of all layers.

    Args:
        weights: of the network.
        fold, counting: see `Counter`.
    """

    def __init__(self, weights: Weights, fold: bool, counting: bool = False) -> None:
        self.layers: dict[tuple[str, str], LayerCounts] = {}
        self.weights, self.last = weights, INPUT
        self._fold, self._counting, self._samples = fold, counting, 0
        self._divisors, self._paddings = Marks(), Marks()
        self._seen: set[int] = set()
        self._nonzero: dict[Any, Tensor] = {}

    def begin(self, samples: int) -> None:
        """A forward pass of so many samples begins."""
        self.last, self._samples = INPUT, samples
        self._seen.clear()

    def end(self) -> None:
        """The forward pass has ended; weights may change before the next."""
        self._nonzero.clear()
        self.weights.forget_freed()
        self._divisors.forget_freed()
        self._paddings.forget_freed()

    def layer(self, name: str, role: str = "synapse") -> LayerCounts:
        """The counts of a layer, made where it is reached for the first time."""
        found = self.layers.setdefault((name, role), LayerCounts(name, role))
        if id(found) not in self._seen:  # once per forward pass
            self._seen.add(id(found))
            found.n_samples += self._samples
        return found

    def report(self, name: str, operation: str) -> None:
        """An operation of a layer could not be counted."""
        layer = self.layer(name)
        layer.uncounted = tuple(dict.fromkeys((*layer.uncounted, operation.replace("::", "."))))

    def fired(self, name: str, spikes: Tensor, leading: tuple[int, ...]) -> None:
        """A neuron layer gave spikes; per step where it gave them for the steps and samples of the input."""
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

    def synapse(self, mark: Mark, x: Tensor, reach: Reach, nonzero: Tensor) -> LayerCounts:
        """Counts a synaptic operation.

        Args:
            x: its input, the summed-over samples first: [N, channels, *inputs].
            reach: of one sample.
            nonzero: per channel and tap, how many weights are not 0, shaped as `reach.met` gives it.
        """
        layer = self.layer(mark.layer)
        if not layer.kind:
            synapses = (c for c in self.layers.values() if c.kind in {"linear", "conv"})
            layer.first = next(synapses, None) is None
            layer.kind, layer.shape = "conv" if reach.taps else "linear", mark.shape
            layer.sop_events = 0 if layer.first or self._counting else None
        self.last = mark.layer
        divisor = self._divisors.get(x) if self._fold else None
        seen = x if divisor is None else _totals(x, divisor)
        found = fan_out.Sums(*(part.cpu() for part in fan_out.sums(seen)))
        dense = self._dense(x, reach)
        layer.events += int(found.active.sum())
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

    def _dense(self, x: Tensor, reach: Reach) -> int:
        """Fan-out of all elements of x, without those that a padding in front has added."""
        added = self._paddings.get(x)
        if added is None or not reach.taps:
            return len(x) * reach.dense(x.shape[1])
        inside = torch.nn.functional.pad(torch.ones(x.shape[1:], dtype=torch.float64), [-n for n in added])
        return len(x) * int(reach.total(torch.nn.functional.pad(inside, added)))

    def nonzero(self, weight: Tensor, count: Callable[[], Tensor]) -> Tensor:
        """`count()` of a weight, computed once per forward pass."""
        if weight.is_inference():  # has no version by which a change could be told
            return count().cpu()
        version = weight._version
        key = (weight.data_ptr(), weight.shape, weight.stride(), weight.dtype, version)
        if key not in self._nonzero:
            self._nonzero[key] = count().cpu()
        return self._nonzero[key]

    def padded(self, output: Tensor, added: list[int]) -> None:
        """An output has so many zeros before and after each of its last dimensions, the last one first."""
        self._paddings.set(output, added)

    def pooled(self, output: Tensor, divisor: int) -> None:
        """An output is an average of so many elements."""
        self._divisors.set(output, divisor)


def _totals(averages: Tensor, divisor: int) -> Tensor:
    """The sums of which an average pooling gave the averages, without the rounding of the division."""
    sums = averages * divisor
    whole = sums.round()
    near = (sums - whole).abs() <= 2 * torch.finfo(sums.dtype).eps * sums.abs()
    return torch.where(near, whole, sums)
