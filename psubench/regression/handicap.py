"""A neuron that is slower than it needs to be, by an exact share: `psubench selftest power` looks for it."""

from __future__ import annotations

import os
import time
from typing import Any

import torch
from torch import Tensor, nn

from psubench import neurons
from psubench.regression.sides import HANDICAP


class Handicapped(nn.Module):
    """A built-in neuron that goes on working for a share of the time that a call took.

    In training a call lasts from the forward pass to the end of the backward pass, with whatever autograd
    needs in between. The share is that of the machine's own time, so 0.05 is 5 % of whatever it made of
    that call. The work is a loop on the same core, no sleep.
    """

    def __init__(self, T: int, neuron: str) -> None:
        super().__init__()
        self.inner = neurons.build(neurons.parse(neuron), T)
        self.share = float(os.environ.get(HANDICAP, "0"))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of the neuron for x [T, B, *features]."""
        work = _Work(self.share)
        spikes: Tensor = self.inner(_UNTIL_BACKWARD(x, work))
        work.catch_up()
        return spikes


class _Work:
    """What one call owes and has paid, in ns of `time.perf_counter_ns`."""

    def __init__(self, share: float) -> None:
        self.share, self.paid, self.began = share, 0, time.perf_counter_ns()

    def catch_up(self) -> None:
        """Is busy until the work is the share of the call's own time so far."""
        now = time.perf_counter_ns()
        owed = round(self.share * (now - self.began - self.paid))
        end = now + max(0, owed - self.paid)
        while time.perf_counter_ns() < end:
            pass
        self.paid = max(owed, self.paid)


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
