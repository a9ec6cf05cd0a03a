"""Serial neurons whose output has more than two values: counts of spikes, and spikes with a sign.

A count of c stands for c events and a negative spike for one event, wherever spikes are counted.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from psubench.neurons.checks import check_parameters
from psubench.neurons.stateful import Loop, State, reset
from psubench.neurons.surrogate import fire


class _Count(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, most: int) -> Tensor:
        ctx.save_for_backward(z)
        ctx.most = most
        return z.clamp(0, most).round_()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (z,) = ctx.saved_tensors
        return gradients[0] * ((z >= 0) & (z <= ctx.most)), None


def count(z: Tensor, most: int) -> Tensor:
    """round(clip(z, 0, most)), halves to the even number; its gradient is 1 for 0 <= z <= most, else 0."""
    if not (z.requires_grad and torch.is_grad_enabled()):
        return z.clamp(0, most).round_()
    counts: Tensor = _Count.apply(z, most)  # type: ignore[no-untyped-call]
    return counts


class ILIF(Loop):
    """Integer LIF: c = round(clip(h/Vth, 0, D)) with h = β v + x; v = h - c Vth. It gives counts, not spikes.

    The reset passes no gradient, as in the authors' code (Luo et al., ECCV 2024, arXiv:2407.20708).

    Args:
        tau: membrane time constant in steps, > 1.
        threshold: Vth > 0.
        D: largest count, from 1 on.
        detach_reset: whether the reset is left out of the gradient.
    """

    def __init__(self, *, tau: float, threshold: float, D: int, detach_reset: bool) -> None:
        super().__init__()
        check_parameters(tau=tau, threshold=threshold, D=D, detach_reset=detach_reset)
        self.tau, self.threshold, self.D, self.detach_reset = tau, threshold, D, detach_reset

    def begin(self, x_t: Tensor) -> State:
        """The potential, 0."""
        return (torch.zeros_like(x_t),)

    def advance(self, x_t: Tensor, state: State, learned: State) -> tuple[Tensor, State]:  # noqa: ARG002
        """Counts; potential."""
        h = torch.add(x_t, state[0], alpha=1 - 1 / self.tau)
        c = count(h / self.threshold, self.D)
        return c, (h.sub(c.detach() if self.detach_reset else c, alpha=self.threshold),)


class TernaryLIF(Loop):
    """LIF with spikes of both signs: s = H(h - Vth) - H(-h - Vth) with h = β v + x.

    v = h (1 - abs(s)) (hard) or h - s Vth (soft). Surrogate: that of a logistic function with α = 4 on both
    sides, as in SpikingJelly's TernaryLIFNode (neuron: Guo et al., AAAI 2024, arXiv:2312.06372).

    Args:
        tau: membrane time constant in steps, > 1.
        threshold: Vth > 0.
        alpha: steepness of the surrogate.
        reset: "hard" sets the potential to 0, "soft" subtracts or adds Vth.
        detach_reset: whether the reset is left out of the gradient.
    """

    def __init__(self, *, tau: float, threshold: float, alpha: float, reset: str, detach_reset: bool) -> None:
        super().__init__()
        check_parameters(
            tau=tau, threshold=threshold, alpha=alpha, reset=reset, detach_reset=detach_reset
        )  # fmt: skip
        self.tau, self.threshold, self.alpha = tau, threshold, alpha
        self.reset, self.detach_reset = reset, detach_reset

    def begin(self, x_t: Tensor) -> State:
        """The potential, 0."""
        return (torch.zeros_like(x_t),)

    def advance(self, x_t: Tensor, state: State, learned: State) -> tuple[Tensor, State]:  # noqa: ARG002
        """Spikes of both signs; potential."""
        h = torch.add(x_t, state[0], alpha=1 - 1 / self.tau)
        up = fire(h - self.threshold, "logistic", self.alpha)
        down = fire(-h - self.threshold, "logistic", self.alpha)
        s = up - down
        taken = s if self.reset == "soft" else up + down  # abs(s), with a gradient where s = 0 too
        return s, (reset(h, taken.detach() if self.detach_reset else taken, self.threshold, self.reset),)
