"""Gated LIF: learned gates blend two kinds of leak, of input and of reset."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from psubench.errors import NeuronError
from psubench.neurons.checks import check_parameters, check_shape
from psubench.neurons.stateful import Loop, State
from psubench.neurons.surrogate import fire


class Gates(NamedTuple):
    """Factors that the gates compute from the learned values once per pass, see `gated`: [], gain [T]."""

    keep: Tensor
    gain: Tensor
    leak: Tensor
    erased: Tensor
    sub: Tensor
    threshold: Tensor


def gated(x_t: Tensor, v: Tensor, s: Tensor, gates: Gates, gain: Tensor) -> Tensor:
    """h = (1 - a (1 - τ)) v (1 - g s') - (1 - a) leak + i - (1 - g) Vsub s', i = x (1 - b (1 - c_t)).

    Args:
        x_t, v, s: input, potential and the spikes s' of the step before, [B, *features].
        gain: 1 - b (1 - c_t), [].
    """
    h = torch.addcmul(gates.keep * v, x_t, gain) - gates.leak
    return torch.addcmul(h, s, torch.addcmul(gates.sub, v, gates.erased), value=-1)


class GLIF(Loop):
    """Gated LIF: gates a, b, g blend two kinds of leak, of input and of reset, one of each per layer.

    Every value is the logistic function of its parameter. a, b and g start at σ(U(-0.1, 0.1)), the leak at
    Vth/(2 T), Vsub at Vth. The reset acts one step later and passes gradient. Surrogate: a box of height
    α = 1, the authors' (Yao et al., NeurIPS 2022, arXiv:2210.13768).

    Args:
        T: time steps.
        decay: initial τ, in (0, 1).
        threshold: initial Vth, in (0, 1).
        conduct: initial c_t, in (0, 1).
        alpha: steepness of the surrogate.
    """

    def __init__(self, *, T: int, decay: float, threshold: float, conduct: float, alpha: float) -> None:
        super().__init__()
        check_parameters(decay=decay, threshold=threshold, conduct=conduct, alpha=alpha)
        if threshold >= 1:
            raise NeuronError(f"threshold = {threshold:g}", "it is a logistic function: give threshold < 1")
        self.T, self.alpha = T, alpha
        self.a, self.b, self.g = (nn.Parameter(0.2 * (torch.rand(()) - 0.5)) for _ in range(3))
        self.tau, self.threshold, self.leak, self.sub = (
            nn.Parameter(torch.tensor(-math.log(1 / start - 1)))
            for start in (decay, threshold, threshold / (2 * T), threshold)
        )
        self.conduct = nn.Parameter(torch.full((T,), -math.log(1 / conduct - 1)))

    def gates(self, dtype: torch.dtype) -> Gates:
        """The factors and constants of a step."""
        a, b, g, tau, threshold, leak, sub, conduct = (
            torch.sigmoid(value).to(dtype)
            for value in (
                self.a, self.b, self.g, self.tau, self.threshold, self.leak, self.sub, self.conduct
            )
        )  # fmt: skip
        keep = 1 - a * (1 - tau)
        return Gates(keep, 1 - b * (1 - conduct), (1 - a) * leak, keep * g, (1 - g) * sub, threshold)

    def begin(self, x_t: Tensor) -> State:
        """Potential and spikes of the step before, both 0, and the number of steps so far."""
        return torch.zeros_like(x_t), torch.zeros_like(x_t), torch.zeros((), dtype=torch.int64)

    def learned(self, x_t: Tensor) -> State:
        """The gates."""
        return self.gates(x_t.dtype)

    def advance(self, x_t: Tensor, state: State, learned: State) -> tuple[Tensor, State]:
        """Spikes; potential, spikes, and the number of steps so far."""
        v, s, t = state
        gates = Gates(*learned)
        h = gated(x_t, v, s, gates, gates.gain[int(t)])
        s = fire(h - gates.threshold, "box", self.alpha)
        return s, (h, s, t + 1)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x, self.T)
        gates, steps = self.gates(x.dtype), x.unbind(0)
        v = s = torch.zeros_like(steps[0])
        outputs = []
        for x_t, gain in zip(steps, gates.gain.unbind(0), strict=True):
            v = gated(x_t, v, s, gates, gain)
            s = fire(v - gates.threshold, "box", self.alpha)
            outputs.append(s)
        return torch.stack(outputs)
