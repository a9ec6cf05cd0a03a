"""Adaptive LIF: a second state follows potential and spikes, and acts against them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from psubench.neurons.channels import PerChannel, spread, uniform, unshaped
from psubench.neurons.checks import check_parameters, check_shape
from psubench.neurons.stateful import Loop, State
from psubench.neurons.surrogate import fire


class AdLIF(PerChannel, Loop):
    """Adaptive LIF: w = bw w + a u + b s; u = al (u - s) + (1 - al)(x - w); s = 1 for u > Vth.

    w sees the u and s of the step before. al, bw, a and b are learned for every neuron of a linear layer
    and every feature map of a convolution, and kept in the authors' ranges. u, w and s start at 0, where
    the original draws them. The reset passes gradient. Surrogate: a box of height α = 1, the authors'
    (Bittar & Garner 2022, doi:10.3389/fnins.2022.865897).

    Args:
        threshold: Vth > 0.
        alpha: steepness of the surrogate.
    """

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "al": (math.exp(-1 / 5), math.exp(-1 / 25)),
        "bw": (math.exp(-1 / 30), math.exp(-1 / 120)),
        "a": (-1.0, 1.0),
        "b": (0.0, 2.0),
    }

    def __init__(self, *, threshold: float, alpha: float) -> None:
        super().__init__()
        check_parameters(threshold=threshold, alpha=alpha)
        self.threshold, self.alpha = threshold, alpha
        self.al, self.bw, self.a, self.b = unshaped(), unshaped(), unshaped(), unshaped()

    def draw(self, count: int) -> None:
        """Every value uniformly from its range."""
        for name, (low, high) in self.RANGES.items():
            uniform(self.get_parameter(name), count, low, high)

    def begin(self, x_t: Tensor) -> State:
        """Potential, spikes and adaptation, all 0."""
        return torch.zeros_like(x_t), torch.zeros_like(x_t), torch.zeros_like(x_t)

    def within(self, dtype: torch.dtype) -> State:
        """al, 1 - al, bw, a and b, within their ranges, each [C]."""
        # In float64, so that no rounding of a limit moves a value across it.
        al, bw, a, b = (getattr(self, name).double().clamp(*limits) for name, limits in self.RANGES.items())
        return tuple(value.to(dtype) for value in (al, 1 - al, bw, a, b))

    def learned(self, x_t: Tensor) -> State:
        """The values `within` their ranges, each in a shape that broadcasts to x_t."""
        return tuple(spread(value, x_t.ndim - 1) for value in self.within(x_t.dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        self.check_channels(x)
        return super().forward(x)

    def advance(self, x_t: Tensor, state: State, learned: State) -> tuple[Tensor, State]:
        """Spikes; potential, spikes and adaptation."""
        u, s, w = state
        al, gain, bw, a, b = learned
        w = torch.addcmul(torch.addcmul(bw * w, a, u), b, s)
        u = torch.addcmul(al * (u - s), gain, x_t - w)
        s = fire(u - self.threshold, "box", self.alpha, strict=True)
        return s, (u, s, w)
