"""Neurons that only leak and integrate, V = A x, and never reset."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from psubench.neurons import lif_matrices
from psubench.neurons.checks import check_parameters, check_shape
from psubench.neurons.products import causal, in_own_precision
from psubench.neurons.surrogate import fire_


class NoResetLIF(nn.Module):
    """LIF without its reset: S = H(A x - Vth), for any T.

    Args:
        tau: membrane time constant in steps, > 1.
        threshold: Vth > 0.
        alpha: steepness of the surrogate.
    """

    def __init__(self, *, tau: float, threshold: float, alpha: float) -> None:
        super().__init__()
        check_parameters(tau=tau, threshold=threshold, alpha=alpha)
        self.tau, self.threshold, self.alpha = tau, threshold, alpha

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        A = lif_matrices.leak(x.shape[0], self.tau, False, x.dtype, x.device)
        return fire_(causal(lambda x: A @ x, A, x.flatten(1))[0], self.threshold, self.alpha).view(x.shape)


class _Bernoulli(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, p: Tensor, scaled: bool) -> Tensor:
        ctx.save_for_backward(p if scaled else None)
        # float32 whatever the dtype of p, so that every dtype and the reference get the same draws.
        draws = torch.rand(p.shape, device=p.device, dtype=torch.float32)
        return torch.lt(draws, p).to(p.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (p,) = ctx.saved_tensors
        return gradients[0] if p is None else gradients[0] * p, None


def bernoulli(p: Tensor, gradient: str) -> Tensor:
    """S = 1 where a uniform draw lies below p, one draw per entry from the device's default generator.

    Args:
        p: probabilities, [T, N].
        gradient: "straight" passes the gradient of S on to p as it is, dS/dp = 1, which is right in
            expectation; "scaled" is the published rule, eq. 19 of arXiv:2306.12666, dS/dp = p.
    """
    spikes: Tensor = _Bernoulli.apply(p, gradient == "scaled")  # type: ignore[no-untyped-call]
    return spikes


def leak_of(w: Tensor, T: int) -> Tensor:
    """A [T, T] for the learned 1/τ = σ(w), w []: differentiable, so built in every call."""
    rate = torch.sigmoid(w)
    powers: Tensor = (1 - rate) ** lif_matrices.lags(T, w.device)
    return rate * powers.tril()


class SPSN(nn.Module):
    """Stochastic parallelizable spiking neuron: p = σ(A x), S ~ Bernoulli(p), for any T.

    The published neuron has a second, synaptic leak in front; here one leak serves all neurons.

    Args:
        tau: membrane time constant in steps, > 1; the initial one with learn_tau.
        learn_tau: whether 1/τ = σ(w) is learned, one per layer.
        gradient: "straight" or "scaled", see `bernoulli`.
    """

    def __init__(self, *, tau: float, learn_tau: bool, gradient: str) -> None:
        super().__init__()
        check_parameters(tau=tau, learn_tau=learn_tau, gradient=gradient)
        self.tau, self.gradient = tau, gradient
        self.w = nn.Parameter(torch.tensor(-math.log(tau - 1))) if learn_tau else None

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        T = x.shape[0]
        if self.w is None:
            A = lif_matrices.leak(T, self.tau, False, x.dtype, x.device)
        else:
            A = leak_of(self.w, T).to(x.dtype)
        return bernoulli(causal(lambda x: A @ x, A, x.flatten(1))[0].sigmoid_(), self.gradient).view(x.shape)
