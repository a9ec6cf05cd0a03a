"""Slow float64 references of the serial neurons: the recurrence as written.

They share no code with the neurons that they check: the surrogate is written by its primitive, so that
autograd derives the gradient itself. Parameters have the names and shapes of the checked neuron.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def fire(z: Tensor, alpha: float) -> Tensor:
    """H(z) in value, g(z) = atan(π/2 α z)/π + 1/2 in gradient; z of any shape."""
    g = torch.atan(math.pi / 2 * alpha * z) / math.pi + 0.5
    return (z >= 0).to(z.dtype) + (g - g.detach())


class LIF(nn.Module):
    """h = v + (x - v)/τ or β v + x; S = H(h - Vth); v = h - Vth S or (1 - S) h."""

    def __init__(
        self, *, tau: float, decay_input: bool, threshold: float, alpha: float, reset: str, detach_reset: bool
    ) -> None:
        super().__init__()
        self.tau, self.decay_input, self.threshold, self.alpha = tau, decay_input, threshold, alpha
        self.reset, self.detach_reset = reset, detach_reset

    def rate(self) -> Tensor | float:
        """1/τ."""
        return 1 / self.tau

    def charge(self, v: Tensor, x: Tensor) -> Tensor:
        """h[t] from v[t-1] and x[t]."""
        rate = self.rate()
        return v + (x - v) * rate if self.decay_input else (1 - rate) * v + x

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        steps = x.double().unbind(0)
        v = torch.zeros_like(steps[0])
        spikes = []
        for now in steps:
            h = self.charge(v, now)
            s = fire(h - self.threshold, self.alpha)
            spikes.append(s)
            fired = s.detach() if self.detach_reset else s
            v = h - self.threshold * fired if self.reset == "soft" else (1 - fired) * h
        return torch.stack(spikes)


class IF(LIF):
    """h = v + x, the rest as LIF."""

    def __init__(self, *, threshold: float, alpha: float, reset: str, detach_reset: bool) -> None:
        super().__init__(
            tau=math.inf, decay_input=False,
            threshold=threshold, alpha=alpha, reset=reset, detach_reset=detach_reset,
        )  # fmt: skip

    def charge(self, v: Tensor, x: Tensor) -> Tensor:
        """h[t] from v[t-1] and x[t]."""
        return v + x


class PLIF(LIF):
    """LIF with 1/τ = σ(w)."""

    def __init__(
        self, *, tau: float, decay_input: bool, threshold: float, alpha: float, reset: str, detach_reset: bool
    ) -> None:
        super().__init__(
            tau=tau, decay_input=decay_input,
            threshold=threshold, alpha=alpha, reset=reset, detach_reset=detach_reset,
        )  # fmt: skip
        self.w = nn.Parameter(torch.tensor(-math.log(tau - 1), dtype=torch.float64))

    def rate(self) -> Tensor | float:
        """1/τ = 1 / (1 + e^-w)."""
        return 1 / (1 + torch.exp(-self.w.double()))
