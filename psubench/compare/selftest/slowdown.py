"""A neuron that is slowed down by an exact share, which `psubench selftest power` tries to detect."""

from __future__ import annotations

import os
import time
from typing import Any

import torch
from torch import Tensor, nn

from psubench import neurons
from psubench.compare.git.side import SLOWDOWN


class Slowed(nn.Module):
    """A built-in neuron that works on for a share of the time that a call takes.

    A call lasts from the end of the previous one, if that is recent, to the end of the backward pass: the
    time that Python and autograd need around the neuron is part of the measurement. The share is relative to
    the actual time of the call, so 0.05 is 5 % of whatever the call took on this machine. The work is a loop
    on the same core, not a sleep.
    """

    def __init__(self, T: int, neuron: str) -> None:
        super().__init__()
        self.inner = neurons.build(neurons.parse(neuron), T)
        self.share = float(os.environ.get(SLOWDOWN, "0"))
        self.last = _Work(self.share, time.perf_counter_ns())

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of the neuron for x [T, B, *features]."""
        self.last = work = _Work(self.share, self.last.next_begins(time.perf_counter_ns()))
        # Without a backward pass, this step would take half of a fast neuron's call.
        spikes: Tensor = self.inner(_UNTIL_BACKWARD(x, work) if torch.is_grad_enabled() else x)
        work.catch_up()
        return spikes


class _Work:
    """What one call owes and has paid, in ns of `time.perf_counter_ns`."""

    def __init__(self, share: float, began: int) -> None:
        self.share, self.paid = share, 0
        self.began = self.ended = began

    def next_begins(self, now: int) -> int:
        """When the next call began, whose neuron runs `now`: where this one ended, if it follows at once."""
        return self.ended if now - self.ended < self.ended - self.began else now

    def catch_up(self) -> None:
        """Is busy until the work is the share of the call's own time so far."""
        owed = self.share * (time.perf_counter_ns() - self.began - self.paid)
        left = max(0, round(owed) - self.paid)
        end = time.perf_counter_ns() + left
        while time.perf_counter_ns() < end:
            pass
        self.paid, self.ended = self.paid + left, end


class _UntilBackward(torch.autograd.Function):
    """The identity; its backward is the last step of the neuron's backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, work: _Work) -> Tensor:
        ctx.work = work
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        ctx.work.catch_up()
        return gradient, None


_UNTIL_BACKWARD: Any = _UntilBackward.apply
