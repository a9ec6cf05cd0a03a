"""Serial neurons with more state than one potential: a synaptic current, a complement, a second compartment.

The loop is the same for all: input is unbound once, learned values are computed once per pass, and the rest
in each step. A neuron defines its state before the first step and one step; the equations are in functions
of tensors.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from psubench.neurons.checks import check_parameters, check_shape
from psubench.neurons.surrogate import fire

State = tuple[Tensor, ...]


class Loop(nn.Module):
    """The loop over steps; a neuron defines `begin` and `advance`."""

    def begin(self, x_t: Tensor) -> State:
        """The state before the first step, for input x_t [B, *features]."""
        raise NotImplementedError

    def learned(self, x_t: Tensor) -> State:  # noqa: ARG002
        """What is computed from the parameters once per pass, in the dtype of x_t."""
        return ()

    def advance(self, x_t: Tensor, state: State, learned: State) -> tuple[Tensor, State]:
        """Output and state after one step."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        steps = x.unbind(0)
        state, learned, outputs = self.begin(steps[0]), self.learned(steps[0]), []
        for x_t in steps:
            s, state = self.advance(x_t, state, learned)
            outputs.append(s)
        return torch.stack(outputs)

    def step(self, x_t: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Output and state after one step.

        Args:
            x_t: input current [B, *features].
            state: after the previous step; None before the first.
        """
        return self.advance(x_t, self.begin(x_t) if state is None else state, self.learned(x_t))


def reset(h: Tensor, s: Tensor, threshold: float, how: str) -> Tensor:
    """h - Vth s (soft) or h (1 - s) (hard)."""
    return torch.sub(h, s, alpha=threshold) if how == "soft" else torch.addcmul(h, h, s, value=-1)


class CubaLIF(Loop):
    """Current-based LIF: the synapse leaks too, I = c I + x; h = d v + I.

    Surrogate: a box of height α = 1, as in SpikingJelly's CUBALIFNode.

    Args:
        c, d: shares of current and potential that remain per step, in [0, 1).
        learn_decay: whether c = σ(w[0]) and d = σ(w[1]) are learned, one of each per layer.
        threshold: Vth > 0.
        alpha: steepness of the surrogate.
        reset: "hard" sets the potential to 0, "soft" subtracts Vth.
        detach_reset: whether the reset is left out of the gradient.
    """

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
        check_parameters(
            c=c, d=d, learn_decay=learn_decay, threshold=threshold, alpha=alpha, reset=reset,
            detach_reset=detach_reset,
        )  # fmt: skip
        self.c, self.d, self.threshold, self.alpha = c, d, threshold, alpha
        self.reset, self.detach_reset = reset, detach_reset
        self.w = nn.Parameter(torch.logit(torch.tensor([c, d]), eps=1e-6)) if learn_decay else None

    def begin(self, x_t: Tensor) -> State:
        """Potential and current, both 0."""
        return torch.zeros_like(x_t), torch.zeros_like(x_t)

    def learned(self, x_t: Tensor) -> State:
        """c and d, if they are learned."""
        return () if self.w is None else tuple(torch.sigmoid(self.w).to(x_t.dtype).unbind())

    def advance(self, x_t: Tensor, state: State, learned: State) -> tuple[Tensor, State]:
        """Spikes; potential and current."""
        v, current = state
        if learned:
            current = torch.addcmul(x_t, current, learned[0])
            h = torch.addcmul(current, v, learned[1])
        else:
            current = torch.add(x_t, current, alpha=self.c)
            h = torch.add(current, v, alpha=self.d)
        s = fire(h - self.threshold, "box", self.alpha)
        return s, (reset(h, s.detach() if self.detach_reset else s, self.threshold, self.reset), current)


class CLIF(Loop):
    """Complementary LIF: m = m σ(h/τ) + s makes every reset deeper; the reset passes gradient.

    h = β v + x; s = H(h - Vth); v = h - s (Vth + σ(m)), all from 0. Surrogate: a box of height α = 1, the
    authors' (Huang et al., ICML 2024, arXiv:2402.04663).

    Args:
        tau: membrane time constant in steps, > 1.
        threshold: Vth > 0.
        alpha: steepness of the surrogate.
    """

    def __init__(self, *, tau: float, threshold: float, alpha: float) -> None:
        super().__init__()
        check_parameters(tau=tau, threshold=threshold, alpha=alpha)
        self.tau, self.threshold, self.alpha = tau, threshold, alpha

    def begin(self, x_t: Tensor) -> State:
        """Potential and complement, both 0."""
        return torch.zeros_like(x_t), torch.zeros_like(x_t)

    def advance(self, x_t: Tensor, state: State, learned: State) -> tuple[Tensor, State]:  # noqa: ARG002
        """Spikes; potential and complement."""
        v, m = state
        h = torch.add(x_t, v, alpha=1 - 1 / self.tau)
        s = fire(h - self.threshold, "box", self.alpha)
        m = torch.addcmul(s, m, torch.sigmoid(h / self.tau))
        return s, (torch.addcmul(h, s, torch.sigmoid(m) + self.threshold, value=-1), m)


class TCLIF(Loop):
    """Two-compartment LIF: dendrite v1 and soma v2, which reset softly by γ and by Vth.

    v1 = v1 - σ(w[0]) v2 + x; v2 = v2 + σ(w[1]) v1; s = H(v2 - Vth). The reset passes gradient. Surrogate: a
    triangle of height α = 1, the authors' (Zhang et al., AAAI 2024, arXiv:2308.13250).

    Args:
        gamma: what a spike subtracts from the dendrite, >= 0.
        threshold: Vth > 0.
        alpha: steepness of the surrogate.
    """

    def __init__(self, *, gamma: float, threshold: float, alpha: float) -> None:
        super().__init__()
        check_parameters(gamma=gamma, threshold=threshold, alpha=alpha)
        self.gamma, self.threshold, self.alpha = gamma, threshold, alpha
        self.w = nn.Parameter(torch.zeros(2))

    def begin(self, x_t: Tensor) -> State:
        """Dendrite and soma, both 0."""
        return torch.zeros_like(x_t), torch.zeros_like(x_t)

    def learned(self, x_t: Tensor) -> State:
        """σ(w[0]) and σ(w[1])."""
        return tuple(torch.sigmoid(self.w).to(x_t.dtype).unbind())

    def advance(self, x_t: Tensor, state: State, learned: State) -> tuple[Tensor, State]:
        """Spikes; dendrite and soma."""
        v1, v2 = state
        v1 = torch.addcmul(v1, v2, learned[0], value=-1) + x_t
        v2 = torch.addcmul(v2, v1, learned[1])
        s = fire(v2 - self.threshold, "triangle", self.alpha)
        return s, (v1.sub(s, alpha=self.gamma), v2.sub(s, alpha=self.threshold))
