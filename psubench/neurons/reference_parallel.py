"""Slow float64 references of the parallel neurons.

The matrices are filled from their formulas entry by entry, and no code is shared with the neurons that they
check. Parameters have the names and shapes of the checked neuron.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from psubench.neurons.reference_serial import fire

Matrix = Tensor | list[list[float]]


def sums(M: Matrix, x: Tensor) -> Tensor:
    """y[t] = Σ_i M[t,i] x[i] for x [T, B, *features], in float64."""
    rows = M if isinstance(M, Tensor) else torch.tensor(M, dtype=torch.float64)
    return torch.einsum("ti,i...->t...", rows, x)


def filled(T: int, entry: Callable[[int, int], float]) -> list[list[float]]:
    """The T x T matrix of entry(t, i)."""
    return [[entry(t, i) for i in range(T)] for t in range(T)]


def leak(T: int, tau: float, released: bool = False) -> list[list[float]]:
    """A[t,i] = β^(t-i)/τ for i <= t."""
    beta = 1 / tau if released else 1 - 1 / tau
    return filled(T, lambda t, i: beta ** (t - i) / tau if i <= t else 0.0)


def reset(T: int, tau: float, threshold: float, released: bool = False) -> list[list[float]]:
    """B[t,i] = Vth β^(t-i) for i < t."""
    beta = 1 / tau if released else 1 - 1 / tau
    return filled(T, lambda t, i: threshold * beta ** (t - i) if i < t else 0.0)


def sigma(u: Tensor) -> Tensor:
    """The logistic function."""
    return torch.sigmoid(u)


def per_step(b: Tensor, x: Tensor) -> Tensor:
    """b [T, 1] or [] in a shape that adds to x [T, B, *features]."""
    return b.double().reshape(-1, *[1] * (x.ndim - 1))


class NoResetLIF(nn.Module):
    """S = H(A x - Vth)."""

    def __init__(self, *, tau: float, threshold: float, alpha: float) -> None:
        super().__init__()
        self.tau, self.threshold, self.alpha = tau, threshold, alpha

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        return fire(sums(leak(len(x), self.tau), x.double()) - self.threshold, self.alpha)


class PSU(nn.Module):
    """U = A x;  V = U - B σ(U);  S = H(V - Vth)."""

    def __init__(self, *, tau: float, threshold: float, alpha: float, released: bool) -> None:
        super().__init__()
        self.tau, self.threshold, self.alpha, self.released = tau, threshold, alpha, released

    def potential(self, x: Tensor) -> Tensor:
        """V for x, both [T, B, *features] in float64."""
        U = sums(leak(len(x), self.tau, self.released), x)
        return U - sums(reset(len(x), self.tau, self.threshold, self.released), sigma(U))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        return fire(self.potential(x.double()) - self.threshold, self.alpha)


class _LearnedPSU(PSU):
    def __init__(
        self, *, T: int, init: str, tau: float, threshold: float, alpha: float, released: bool
    ) -> None:
        super().__init__(tau=tau, threshold=threshold, alpha=alpha, released=released)
        start = leak(T, tau, released) if init == "leak" else (math.sqrt(2 / T) * torch.randn(T, T)).tolist()
        self.weight = nn.Parameter(torch.tensor(start, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(T, 1, dtype=torch.float64))

    def learned(self, x: Tensor) -> Tensor:
        """Σ_{i<=t} W[t,i] x[i] + b[t]."""
        M = torch.tensor(filled(len(x), lambda t, i: 1.0 if i <= t else 0.0), dtype=torch.float64)
        return sums(self.weight.double() * M, x) + per_step(self.bias, x)

    def reset_by(self, estimate: Tensor) -> Tensor:
        """B times the estimated spikes; the released code leaves Vth out of B."""
        threshold = 1.0 if self.released else self.threshold
        return sums(reset(len(estimate), self.tau, threshold, self.released), estimate)


class IPSU(_LearnedPSU):
    """U = (W ∘ M) x + b;  V = U - B σ(U), or another estimate instead of σ(U)."""

    def __init__(
        self, *, T: int, estimate: str, init: str, tau: float, threshold: float, alpha: float, released: bool
    ) -> None:
        super().__init__(T=T, init=init, tau=tau, threshold=threshold, alpha=alpha, released=released)
        self.estimate = estimate

    def potential(self, x: Tensor) -> Tensor:
        """V for x, both [T, B, *features] in float64."""
        U = self.learned(x)
        if self.released or self.estimate == "input":
            return U - self.reset_by(x)
        if self.estimate == "membrane":
            return U - self.reset_by(sums(leak(len(x), self.tau), x))
        return U - self.reset_by(sigma(U))


class RPSU(_LearnedPSU):
    """U = A x;  V = U - B σ((W ∘ M) x + b)."""

    def potential(self, x: Tensor) -> Tensor:
        """V for x, both [T, B, *features] in float64."""
        U = sums(leak(len(x), self.tau, self.released), x)
        return U - self.reset_by(sigma(self.learned(x)))


class PSN(nn.Module):
    """S[t] = H(Σ_i W[t,i] x[i] + b[t])."""

    def __init__(self, *, T: int, threshold: float, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        bound = 1 / math.sqrt(T)
        self.weight = nn.Parameter(torch.empty(T, T, dtype=torch.float64).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.full((T, 1), -threshold, dtype=torch.float64))

    def mask(self, t: int, i: int) -> float:  # noqa: ARG002
        """What W[t,i] is multiplied by."""
        return 1.0

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        M = torch.tensor(filled(len(x), self.mask), dtype=torch.float64)
        return fire(sums(self.weight.double() * M, x.double()) + per_step(self.bias, x), self.alpha)


class MaskedPSN(PSN):
    """PSN with W[t,i] faded by 1 - λ outside of 0 <= t - i < k."""

    def __init__(self, *, T: int, k: int, lam: float, threshold: float, alpha: float) -> None:
        super().__init__(T=T, threshold=threshold, alpha=alpha)
        self.k, self.lambda_ = k, lam

    def mask(self, t: int, i: int) -> float:
        """λ M_k[t,i] + 1 - λ."""
        inside = 1.0 if 0 <= t - i < self.k else 0.0
        return self.lambda_ * inside + 1 - self.lambda_


class SlidingPSN(nn.Module):
    """S[t] = H(Σ_{i<k} W_i x[t-k+1+i] + b)."""

    def __init__(self, *, k: int, threshold: float, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.weight = nn.Parameter(torch.tensor([2.0 ** (i + 1 - k) for i in range(k)], dtype=torch.float64))
        self.bias = nn.Parameter(torch.tensor(-threshold, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        steps, weights = x.double().unbind(0), self.weight.double().unbind(0)
        k = len(weights)
        potentials = []
        for t in range(len(steps)):
            seen = [i for i in range(k) if t - k + 1 + i >= 0]
            V = sum((weights[i] * steps[t - k + 1 + i] for i in seen), torch.zeros_like(steps[0]))
            potentials.append(V + self.bias.double())
        return fire(torch.stack(potentials), self.alpha)


class SPSN(nn.Module):
    """p = σ(A x);  S = 1 where a float32 uniform draw lies below p; dS/dp = 1 or p."""

    def __init__(self, *, tau: float, learn_tau: bool, gradient: str) -> None:
        super().__init__()
        self.tau, self.gradient = tau, gradient
        start = torch.tensor(-math.log(tau - 1), dtype=torch.float64)
        self.w = nn.Parameter(start) if learn_tau else None

    def matrix(self, T: int) -> Matrix:
        """A, with 1/τ = 1/(1 + e^-w) if it is learned."""
        if self.w is None:
            return leak(T, self.tau)
        rate = 1 / (1 + torch.exp(-self.w.double()))
        zero = torch.zeros_like(rate)
        rows = [
            torch.stack([rate * (1 - rate) ** (t - i) if i <= t else zero for i in range(T)])
            for t in range(T)
        ]
        return torch.stack(rows)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]; draws as the checked neuron does."""
        p = sigma(sums(self.matrix(len(x)), x.double()))
        spikes = (torch.rand(x.shape, dtype=torch.float32, device=x.device) < p).double()
        primitive = p * p / 2 if self.gradient == "scaled" else p
        return spikes + (primitive - primitive.detach())
