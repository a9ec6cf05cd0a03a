"""Slow float64 references of the serial neurons with several states or more than two outputs.

They share no code with the neurons that they check: each surrogate is written by its primitive, so that
autograd derives the gradient itself. Parameters have the names and shapes of the checked neuron.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from psubench.neurons.channels import PerChannel, uniform, unshaped


def valued(z: Tensor, primitive: Tensor, *, strict: bool = False) -> Tensor:
    """H(z) in value, the primitive in gradient; z of any shape."""
    return (z > 0 if strict else z >= 0).to(z.dtype) + (primitive - primitive.detach())


def box(z: Tensor, alpha: float, *, strict: bool = False) -> Tensor:
    """H(z); g(z) = clip(α z + 1/2, 0, 1)."""
    inside = z.abs() < 1 / (2 * alpha)
    return valued(z, torch.where(inside, alpha * z + 0.5, (z > 0).to(z.dtype)), strict=strict)


def triangle(z: Tensor, alpha: float) -> Tensor:
    """H(z); g(z) = 1/2 + y - y abs(y)/2 with y = clip(α z, -1, 1)."""
    y = torch.where(z.abs() < 1 / alpha, alpha * z, z.sign())
    return valued(z, 0.5 + y - y * y.abs() / 2)


def logistic(z: Tensor, alpha: float) -> Tensor:
    """H(z); g(z) = 1/(1 + e^(-α z))."""
    return valued(z, 1 / (1 + torch.exp(-alpha * z)))


def after(h: Tensor, s: Tensor, threshold: float, how: str) -> Tensor:
    """The potential after a reset."""
    return h - threshold * s if how == "soft" else (1 - s) * h


class CubaLIF(nn.Module):
    """I = c I + x; h = d v + I; s = H(h - Vth); v = h - Vth s or (1 - s) h."""

    def __init__(
        self,
        *,
        c: float,
        d: float,
        learn_decay: bool,
        threshold: float,
        alpha: float,
        reset: str,
        detach_reset: bool,
    ) -> None:
        super().__init__()
        self.c, self.d, self.threshold, self.alpha = c, d, threshold, alpha
        self.reset, self.detach_reset = reset, detach_reset
        start = torch.tensor([c, d], dtype=torch.float64)
        self.w = nn.Parameter(torch.log(start / (1 - start))) if learn_decay else None

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        steps = x.double().unbind(0)
        c, d = (self.c, self.d) if self.w is None else 1 / (1 + torch.exp(-self.w.double()))
        current, v, spikes = torch.zeros_like(steps[0]), torch.zeros_like(steps[0]), []
        for now in steps:
            current = c * current + now
            h = d * v + current
            s = box(h - self.threshold, self.alpha)
            spikes.append(s)
            v = after(h, s.detach() if self.detach_reset else s, self.threshold, self.reset)
        return torch.stack(spikes)


class CLIF(nn.Module):
    """h = β v + x; s = H(h - Vth); m = m σ(h/τ) + s; v = h - s (Vth + σ(m))."""

    def __init__(self, *, tau: float, threshold: float, alpha: float) -> None:
        super().__init__()
        self.tau, self.threshold, self.alpha = tau, threshold, alpha

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        steps = x.double().unbind(0)
        v, m, spikes = torch.zeros_like(steps[0]), torch.zeros_like(steps[0]), []
        for now in steps:
            h = (1 - 1 / self.tau) * v + now
            s = box(h - self.threshold, self.alpha)
            m = m / (1 + torch.exp(-h / self.tau)) + s
            v = h - s * (self.threshold + 1 / (1 + torch.exp(-m)))
            spikes.append(s)
        return torch.stack(spikes)


class GLIF(nn.Module):
    """The gated LIF of eq. (5) to (9) of arXiv:2210.13768, all gates by logistic functions."""

    def __init__(self, *, T: int, decay: float, threshold: float, conduct: float, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        starts = {"tau": decay, "threshold": threshold, "leak": threshold / T / 2, "sub": threshold}
        for name in ("a", "b", "g"):
            self.register_parameter(name, nn.Parameter(torch.rand((), dtype=torch.float64) / 5 - 0.1))
        for name, p in starts.items():
            value = torch.tensor(math.log(p / (1 - p)), dtype=torch.float64)
            self.register_parameter(name, nn.Parameter(value))
        start = math.log(conduct / (1 - conduct))
        self.conduct = nn.Parameter(torch.tensor([start] * T, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        p = {name: 1 / (1 + torch.exp(-value.double())) for name, value in self.named_parameters()}
        steps = x.double().unbind(0)
        v, s, spikes = torch.zeros_like(steps[0]), torch.zeros_like(steps[0]), []
        for t, now in enumerate(steps):
            gain = 1 - p["b"] * (1 - p["conduct"][t])
            leaking = (1 - p["a"] * (1 - p["tau"])) * v * (1 - p["g"] * s)
            v = leaking - (1 - p["a"]) * p["leak"] + now * gain - (1 - p["g"]) * p["sub"] * s
            s = box(v - p["threshold"], self.alpha)
            spikes.append(s)
        return torch.stack(spikes)


class TCLIF(nn.Module):
    """v1 = v1 - σ(w0) v2 + x; v2 = v2 + σ(w1) v1; s = H(v2 - Vth); v1 = v1 - γ s; v2 = v2 - Vth s."""

    def __init__(self, *, gamma: float, threshold: float, alpha: float) -> None:
        super().__init__()
        self.gamma, self.threshold, self.alpha = gamma, threshold, alpha
        self.w = nn.Parameter(torch.zeros(2, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        steps = x.double().unbind(0)
        into_dendrite, into_soma = 1 / (1 + torch.exp(-self.w.double()))
        v1, v2, spikes = torch.zeros_like(steps[0]), torch.zeros_like(steps[0]), []
        for now in steps:
            v1 = v1 - into_dendrite * v2 + now
            v2 = v2 + into_soma * v1
            s = triangle(v2 - self.threshold, self.alpha)
            v1, v2 = v1 - self.gamma * s, v2 - self.threshold * s
            spikes.append(s)
        return torch.stack(spikes)


class AdLIF(PerChannel):
    """w = bw w + a u + b s; u = al (u - s) + (1 - al)(x - w); s = 1 for u > Vth; all from 0."""

    LEAST: ClassVar[dict[str, float]] = {
        "al": math.exp(-1 / 5),
        "bw": math.exp(-1 / 30),
        "a": -1.0,
        "b": 0.0,
    }
    MOST: ClassVar[dict[str, float]] = {
        "al": math.exp(-1 / 25),
        "bw": math.exp(-1 / 120),
        "a": 1.0,
        "b": 2.0,
    }

    def __init__(self, *, threshold: float, alpha: float) -> None:
        super().__init__()
        self.threshold, self.alpha = threshold, alpha
        self.al, self.bw, self.a, self.b = unshaped(), unshaped(), unshaped(), unshaped()

    def draw(self, count: int) -> None:
        """Every value uniformly from its range."""
        for name in self.LEAST:
            uniform(self.get_parameter(name), count, self.LEAST[name], self.MOST[name])

    def within(self, name: str, dims: int) -> Tensor:
        """A parameter in its range, which ends its gradient, [C, 1, ...]."""
        value = getattr(self, name).double()
        least, most = self.LEAST[name], self.MOST[name]
        value = torch.where(value < least, torch.full_like(value, least), value)
        value = torch.where(value > most, torch.full_like(value, most), value)
        return value.reshape(len(value), *[1] * max(dims - 3, 0))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, C, *]."""
        al, bw, a, b = (self.within(name, x.ndim) for name in ("al", "bw", "a", "b"))
        steps = x.double().unbind(0)
        u, s, w = (torch.zeros_like(steps[0]) for _ in range(3))
        spikes = []
        for now in steps:
            w = bw * w + a * u + b * s
            u = al * (u - s) + (1 - al) * (now - w)
            s = box(u - self.threshold, self.alpha, strict=True)
            spikes.append(s)
        return torch.stack(spikes)


class ILIF(nn.Module):
    """h = β v + x; c = round(clip(h/Vth, 0, D)), halves to even; v = h - c Vth."""

    def __init__(self, *, tau: float, threshold: float, D: int, detach_reset: bool) -> None:
        super().__init__()
        self.tau, self.threshold, self.D, self.detach_reset = tau, threshold, D, detach_reset

    def count(self, z: Tensor) -> Tensor:
        """The count by comparisons with its half-way points; the gradient of clip(z, 0, D)."""
        c = torch.zeros_like(z)
        for level in range(1, self.D + 1):
            half = level - 0.5
            c = c + (z > half if level % 2 else z >= half).to(z.dtype)
        inside = (z >= 0) & (z <= self.D)
        primitive = torch.where(inside, z, z.detach())
        return c + (primitive - primitive.detach())

    def forward(self, x: Tensor) -> Tensor:
        """Counts in float64, [T, B, *features]."""
        steps = x.double().unbind(0)
        v, counts = torch.zeros_like(steps[0]), []
        for now in steps:
            h = (1 - 1 / self.tau) * v + now
            c = self.count(h / self.threshold)
            counts.append(c)
            v = h - self.threshold * (c.detach() if self.detach_reset else c)
        return torch.stack(counts)


class ReLU(nn.Module):
    """x where it is above 0, else 0."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Values in float64, [T, B, *features]."""
        return torch.where(x > 0, x, torch.zeros_like(x)).double()


class QuantReLU(ILIF):
    """The count of ILIF without its potential."""

    def __init__(self, *, levels: int, threshold: float) -> None:
        super().__init__(tau=1, threshold=threshold, D=levels - 1, detach_reset=True)

    def forward(self, x: Tensor) -> Tensor:
        """Levels in float64, [T, B, *features]."""
        return self.count(x.double() / self.threshold)


class TernaryLIF(nn.Module):
    """h = β v + x; s = H(h - Vth) - H(-h - Vth); v = h - Vth s or h (1 - abs(s))."""

    def __init__(self, *, tau: float, threshold: float, alpha: float, reset: str, detach_reset: bool) -> None:
        super().__init__()
        self.tau, self.threshold, self.alpha = tau, threshold, alpha
        self.reset, self.detach_reset = reset, detach_reset

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        steps = x.double().unbind(0)
        v, spikes = torch.zeros_like(steps[0]), []
        for now in steps:
            h = (1 - 1 / self.tau) * v + now
            up, down = logistic(h - self.threshold, self.alpha), logistic(-h - self.threshold, self.alpha)
            spikes.append(up - down)
            given = up - down if self.reset == "soft" else up + down
            v = after(h, given.detach() if self.detach_reset else given, self.threshold, self.reset)
        return torch.stack(spikes)
