"""Slow float64 references of other libraries' serial neurons, for the gate.

Each is the recurrence that the library documents, with the switches in which libraries differ: when a
spike resets, what it resets to, whether the gradient passes the reset, which side of the threshold a tie
falls on, and the surrogate. They share no code with the libraries.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Slope = Callable[[Tensor], Tensor]
"""Derivative of a surrogate at z, the potential above the threshold; any shape."""


def atan(alpha: float) -> Slope:
    """α / (2 (1 + (π/2 α z)²)) (Fang et al. 2021, arXiv:2007.05785)."""
    return lambda z: alpha / 2 / (1 + (math.pi / 2 * alpha * z) ** 2)


def superspike(k: float) -> Slope:
    """1 / (1 + k |z|)² (Zenke & Ganguli 2018, doi:10.1162/neco_a_01086)."""
    return lambda z: 1 / (1 + k * z.abs()) ** 2


def exponential(width: float | Tensor) -> Slope:
    """exp(-|z| / w) / w (Shrestha & Orchard 2018, SLAYER); w is one number, or a tensor shaped as z."""
    return lambda z: torch.exp(-z.abs() / width) / width


def fire(z: Tensor, slope: Slope, *, strict: bool) -> Tensor:
    """1 where z > 0 (strict) or z >= 0, with the slope as its derivative; shape of z."""
    spikes = (z > 0 if strict else z >= 0).to(z.dtype)
    # In value nothing is added; in gradient the slope times that of z.
    return spikes + slope(z.detach()) * (z - z.detach())


@dataclass(frozen=True)
class Firing:
    """How a potential becomes a spike.

    Attributes:
        threshold: Vth.
        slope: derivative of the surrogate.
        strict: whether a potential equal to the threshold does not fire.
        hard: whether a spike sets the potential to 0, rather than taking Vth off it.
        detached: whether the gradient does not pass the reset.
    """

    threshold: float
    slope: Slope
    strict: bool = False
    hard: bool = False
    detached: bool = False

    def spikes(self, h: Tensor) -> Tensor:
        """Of a potential of any shape."""
        return fire(h - self.threshold, self.slope, strict=self.strict)

    def after(self, h: Tensor, s: Tensor) -> Tensor:
        """The potential after its reset by the spikes s."""
        s = s.detach() if self.detached else s
        return (1 - s) * h if self.hard else h - self.threshold * s


class Reference(nn.Module):
    """Steps through x [T, B, *features] in float64.

    A subclass gives `start` and `step`. Learned values stand in `node`, so that their names are those
    of the adapter.
    """

    def __init__(self, **learned: Tensor) -> None:
        super().__init__()
        self.node = nn.Module()
        for name, value in learned.items():
            self.node.register_parameter(name, nn.Parameter(value.detach().double().clone()))

    def learned(self, name: str) -> Tensor:
        """A learned value."""
        value: Tensor = getattr(self.node, name)
        return value

    def start(self, like: Tensor) -> tuple[Tensor, ...]:
        """The state before the first step."""
        return (torch.zeros_like(like),)

    def step(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Spikes [B, *features] and the next state."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        steps = x.double().unbind(0)
        state = self.start(steps[0])
        spikes = []
        for now in steps:
            spike, *state_now = self.step(now, *state)
            state = tuple(state_now)
            spikes.append(spike)
        return torch.stack(spikes)


class LeakyReference(Reference):
    """h = k v + g x; s fires at h; the spike resets h."""

    def __init__(self, keep: float, gain: float, firing: Firing) -> None:
        super().__init__()
        self.keep, self.gain, self.firing = keep, gain, firing

    def step(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Spikes, and v after the reset."""
        h = self.keep * state[0] + self.gain * x
        s = self.firing.spikes(h)
        return s, self.firing.after(h, s)


class LateResetReference(Reference):
    """v fired at the step before: v = k v + x - Vth r (soft) or k (1 - r) v + x (hard); s fires at v.

    r is without gradient (snnTorch's Leaky; its reset acts one step after the spike, undecayed if soft).
    """

    def __init__(self, keep: float, firing: Firing) -> None:
        super().__init__()
        self.keep, self.firing = keep, firing

    def step(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Spikes, and v before its reset."""
        (v,) = state
        r = self.firing.spikes(v).detach()
        h = (
            self.keep * ((1 - r) * v) + x
            if self.firing.hard
            else self.keep * v + x - r * self.firing.threshold
        )
        return self.firing.spikes(h), h


class LateSynapticReference(Reference):
    """i = a i + x; v = b v + i - Vth r: late reset with a synaptic current (snnTorch's Synaptic)."""

    def __init__(self, keep_current: float, keep: float, firing: Firing) -> None:
        super().__init__()
        self.keep_current, self.keep, self.firing = keep_current, keep, firing

    def start(self, like: Tensor) -> tuple[Tensor, ...]:
        """Current and potential are 0."""
        return torch.zeros_like(like), torch.zeros_like(like)

    def step(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Spikes, current, and v before its reset."""
        i, v = state
        r = self.firing.spikes(v).detach()
        i = self.keep_current * i + x
        v = self.keep * v + i - r * self.firing.threshold
        return self.firing.spikes(v), i, v


class LateSpikeReference(Reference):
    """s fires at the v of the step before; v = β v + x - Vth s (spyx's LIF), β learned and kept in [0, 1]."""

    def __init__(self, beta: Tensor, firing: Firing) -> None:
        super().__init__(beta=beta)
        self.firing = firing

    def step(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Spikes, and v after the reset."""
        s = self.firing.spikes(state[0])
        return s, self.learned("beta").clamp(0, 1) * state[0] + x - s * self.firing.threshold


class CurrentReference(Reference):
    """j = i + x; h = v + a (j - v); s fires at h; v = (1 - s) h; i = (1 - b) j (norse's LIFCell)."""

    def __init__(self, membrane: float, synapse: float, firing: Firing) -> None:
        super().__init__()
        self.membrane, self.synapse, self.firing = membrane, synapse, firing

    def start(self, like: Tensor) -> tuple[Tensor, ...]:
        """Potential and current are 0."""
        return torch.zeros_like(like), torch.zeros_like(like)

    def step(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Spikes, potential after the reset, decayed current."""
        v, i = state
        j = i + x
        h = v + self.membrane * (j - v)
        s = self.firing.spikes(h)
        return s, self.firing.after(h, s), (1 - self.synapse) * j


class TimeConstantReference(Reference):
    """a = exp(-1/τ), τ learned: h = a v + (1 - a) x; s fires at h; v = h - Vth s (sinabs's LIF)."""

    def __init__(self, tau_mem: Tensor, firing: Firing, *, normalised: bool) -> None:
        super().__init__(tau_mem=tau_mem)
        self.firing, self.normalised = firing, normalised

    def step(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Spikes, and v after the reset."""
        keep = torch.exp(-1 / self.learned("tau_mem"))
        h = keep * state[0] + ((1 - keep) * x if self.normalised else x)
        s = self.firing.spikes(h)
        return s, self.firing.after(h, s)


class AdaptiveReference(Reference):
    """`TimeConstantReference` with Vth = 1 + c b, b = d b + (1 - d) s, d = exp(-1/τ_adapt) (sinabs ALIF)."""

    def __init__(self, tau_mem: Tensor, tau_adapt: Tensor, scale: float, width: float) -> None:
        super().__init__(tau_mem=tau_mem, tau_adapt=tau_adapt)
        self.scale, self.width = scale, width

    def start(self, like: Tensor) -> tuple[Tensor, ...]:
        """Potential and adaptation are 0."""
        return torch.zeros_like(like), torch.zeros_like(like)

    def step(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Spikes, potential after the reset, adaptation."""
        v, b = state
        keep = torch.exp(-1 / self.learned("tau_mem"))
        decay = torch.exp(-1 / self.learned("tau_adapt"))
        h = keep * v + (1 - keep) * x
        threshold = 1 + self.scale * b
        # The surrogate is as wide as the threshold of the step; its gradient reaches the potential alone.
        s = fire(
            h - threshold.detach(), lambda z: exponential_of(z, threshold.detach() * self.width), strict=False
        )
        return s, h - threshold * s, decay * b + (1 - decay) * s


def exponential_of(z: Tensor, width: Tensor) -> Tensor:
    """`exponential` with a width for each z, of its shape."""
    return torch.exp(-z.abs() / width) / width
