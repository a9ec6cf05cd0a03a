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
    """A built-in neuron that goes on working for a share of the time that it took.

    The share is added to each call and to each backward pass by itself, so 0.05 is 5 % of whatever the
    machine made of that call. The work is a loop on the same core, no sleep.
    """

    def __init__(self, T: int, neuron: str) -> None:
        super().__init__()
        self.inner = neurons.build(neurons.parse(neuron), T)
        self.share = float(os.environ.get(HANDICAP, "0"))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of the neuron for x [T, B, *features]."""
        backward = _Backward(self.share)
        began = time.perf_counter_ns()
        spikes: Tensor = _BEGIN(self.inner(_END(x, backward)), backward)
        _work(self.share, began)
        return spikes


class _Backward:
    """When the backward pass of one call began."""

    def __init__(self, share: float) -> None:
        self.share, self.began = share, 0


def _work(share: float, began: int) -> None:
    """Is busy for that share of the time since `began`, in ns of `time.perf_counter_ns`."""
    now = time.perf_counter_ns()
    end = now + round(share * (now - began))
    while time.perf_counter_ns() < end:
        pass


class _Begin(torch.autograd.Function):
    """The identity; its backward is the first step of the neuron's backward pass."""

    @staticmethod
    def forward(ctx: Any, spikes: Tensor, backward: _Backward) -> Tensor:
        ctx.backward_pass = backward
        return spikes.view_as(spikes)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        ctx.backward_pass.began = time.perf_counter_ns()
        return gradient, None


class _End(torch.autograd.Function):
    """The identity; its backward is the last step of the neuron's backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, backward: _Backward) -> Tensor:
        ctx.backward_pass = backward
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        _work(ctx.backward_pass.share, ctx.backward_pass.began)
        return gradient, None


_BEGIN: Any = _Begin.apply
_END: Any = _End.apply
