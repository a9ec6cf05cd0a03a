"""Neurons that are wrong, and neurons that misbehave: what the gate and the runner must withstand.

Used as plug-ins: `tests/wrong_neurons.py:Name`. The wrong ones are a LIF neuron (tau 2, soft detached
reset) but for one fault, and declare the true one as their reference.
"""

import math
import os
import time

import torch
from torch import nn


def fire(v, threshold=1.0, alpha=2.0):
    """H(v - threshold) in value, the arctangent surrogate in gradient."""
    z = v - threshold
    g = torch.atan(math.pi / 2 * alpha * z) / math.pi + 0.5
    return (z >= 0).to(v.dtype) + (g - g.detach())


class TrueLIF(nn.Module):
    """LIF in float64; the truth for the neurons below."""

    def __init__(self, T):
        super().__init__()

    def forward(self, x):
        v, spikes = torch.zeros_like(x[0], dtype=torch.float64), []
        for now in x.double().unbind(0):
            h = v + (now - v) / 2
            spikes.append(fire(h))
            v = h - spikes[-1].detach()
        return torch.stack(spikes)


class TrueThreshold(nn.Module):
    """S = H(x - 1) in float64; the truth for Spin."""

    def __init__(self, T, ms=0):
        super().__init__()

    def forward(self, x):
        return fire(x.double())


class RightLIF(nn.Module):
    """A correct LIF neuron whose constants the wrong ones change."""

    reference = TrueLIF
    causal = True
    tau, threshold, alpha = 2.0, 1.0, 2.0

    def __init__(self, T):
        super().__init__()

    def forward(self, x):
        return self.run(x, torch.zeros_like(x[0]))[0]

    def run(self, x, v):
        spikes = []
        for now in x.unbind(0):
            h = v + (now - v) / self.tau
            spikes.append(fire(h, self.threshold, self.alpha))
            v = h - spikes[-1].detach()
        return torch.stack(spikes), v


class NoReference(RightLIF):
    """Correct, but nobody can tell."""

    reference = None


class WrongSpikes(RightLIF):
    """tau is off by one per cent."""

    tau = 2.02


class WrongTie(RightLIF):
    """The threshold is off by a thousandth."""

    threshold = 1.001


class WrongGradient(RightLIF):
    """Right spikes, a flatter surrogate."""

    alpha = 1.8


class FutureSpikes(RightLIF):
    """A hundredth of the next step's input leaks in."""

    def forward(self, x):
        return super().forward(x + 1e-2 * torch.cat([x[1:], torch.zeros_like(x[:1])]))


class HalfPrecision(RightLIF):
    """Computes in bfloat16, whatever it is given."""

    def forward(self, x):
        return super().forward(x.bfloat16()).to(x.dtype)


class Stateful(RightLIF):
    """Goes on where the last call of the same shape left its membrane."""

    v = None

    def forward(self, x):
        start = self.v if self.v is not None and self.v.shape == x.shape[1:] else torch.zeros_like(x[0])
        spikes, v = self.run(x, start.to(x))
        self.v = v.detach()
        return spikes


class NotANumber(RightLIF):
    """One entry in its output is NaN."""

    def forward(self, x):
        spikes = super().forward(x).clone()
        spikes.view(-1)[-1] = math.nan
        return spikes


class Raises(RightLIF):
    """Fails in every call."""

    def forward(self, x):
        raise RuntimeError("this neuron raises\nover two lines")


class Hangs(RightLIF):
    """Never returns."""

    def forward(self, x):
        while True:
            time.sleep(3600)


class Allocates(RightLIF):
    """Takes memory, 64 MB at a time, until there is none."""

    def forward(self, x):
        kept = []
        while True:
            kept.append(torch.ones(64 * 2**20 // 4, dtype=torch.float32, device=x.device))


class Crashes(RightLIF):
    """Takes its process with it."""

    def forward(self, x):
        os.abort()


class _Spinning(nn.Module):
    def __init__(self, ms):
        super().__init__()
        self.ns = int(ms * 1e6)

    def forward(self, x):
        end = time.perf_counter_ns() + self.ns
        spikes = fire(x)
        while time.perf_counter_ns() < end:
            pass
        return spikes


def Spin(T, ms=5):
    """S = H(x - 1), and the whole forward pass takes `ms` milliseconds of the host's time."""
    return _Spinning(ms)


Spin.reference = TrueThreshold
Spin.causal = True


class NoOp(nn.Module):
    """Does nothing; without a reference, since it is not a neuron."""

    def __init__(self, T):
        super().__init__()

    def forward(self, x):
        return x * 1
