"""How fast could a layer be? The bytes that it must move, and the copy bandwidth of this worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from psubench.records import measured

if TYPE_CHECKING:
    from psubench.devices import Device

COPY = "copy"
SAMPLES = 24
"""Enough to know the median of the copy within a few per cent; further rounds have no copy."""
LEAST_SAMPLES = 6
WARM_UP_CALLS = 3


@dataclass
class Copies:
    """Copies of the layer's input, sampled between the rounds, so that both run under the same conditions.

    Attributes:
        inputs: both inputs, [T, B, features], in turn as contestants get them.
        least_bytes: by name in the block, what a call must move.
        ns: of each sample of `loops` copies.
    """

    device: Device
    inputs: Sequence[Tensor]
    least_bytes: Mapping[str, int]
    loops: int = 0
    ns: list[int] = field(default_factory=list)
    _out: Tensor = field(init=False)
    _turns: Iterator[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self._out, self._turns = torch.empty_like(self.inputs[0]), cycle(self.inputs)

    def sample(self) -> None:
        """One sample; none after SAMPLES of them."""
        if len(self.ns) >= SAMPLES:
            return
        if not self.loops:
            self._time(WARM_UP_CALLS)
            once = max(1, self._time(WARM_UP_CALLS) // WARM_UP_CALLS)
            self.loops = max(1, -(-self.device.min_sample_ns // once))
        self.ns.append(self._time(self.loops))

    def _time(self, loops: int) -> int:
        found = self.device.sample(COPY, self._copy, loops)
        return max(1, found.device_ns or found.wall_ns)

    def fastest_ns(self) -> float | None:
        """Duration of one copy; None if too few were timed."""
        return min(self.ns) / self.loops if len(self.ns) >= LEAST_SAMPLES else None

    def _copy(self) -> None:
        self._out.copy_(next(self._turns))

    def fields(self) -> measured.CopyBandwidth:
        """Its part of the record."""
        copied = 2 * _bytes([self._out])  # read and written
        return measured.CopyBandwidth(
            least_bytes=dict(self.least_bytes), copy_bytes=copied, copy_loops=self.loops, copy_ns=self.ns
        )


def least_bytes(module: nn.Module, x: Tensor, *, train: bool) -> int:
    """What a call moves at least: input, spikes and weights once; in training their gradients as well.

    No implementation can move less, however much its cache keeps between forward and backward pass.
    """
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    return (2 if train else 1) * (2 * _bytes([x]) + _bytes(weights))


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
