"""The parallel spiking unit and its learned variants (Li et al. 2024, arXiv:2402.00449).

A soft-reset LIF neuron is h = A x - B s. These neurons replace the spikes s of the reset by an estimate
that needs no loop: V = U - B σ(U). The products run over flattened neurons, [T, T] @ [T, B·features].
B is kept for a threshold of 1; Vth comes in as the factor of the fused product.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from psubench.errors import NeuronError
from psubench.neurons import lif_matrices
from psubench.neurons.checks import check_parameters, check_shape
from psubench.neurons.products import causal, in_own_precision, subtract_
from psubench.neurons.surrogate import fire_


def psu(x: Tensor, A: Tensor, B: Tensor, scale: float) -> Tensor:
    """V = U - scale B σ(U), U = A x; x [T, N], A and B [T, T]."""
    U, finite = causal(lambda x: A @ x, A, x)
    return subtract_(U, B, torch.sigmoid(U), scale, finite)


def psu_scan(x: Tensor, rate: float, keep: float, scale: float) -> Tensor:
    """`psu` as two first-order recurrences over time, O(T) instead of O(T²); x [T, ...], rate 1/τ.

    u[t] = keep u[t-1] + x[t]/τ,  r[t] = keep (r[t-1] + scale σ(u[t-1])),  V = u - r.
    """
    U = _leaky_sums_(x * rate, keep)
    R = _leaky_sums_(torch.sigmoid(U[:-1]), keep)  # r[1:] / (keep scale)
    U[1:].sub_(R, alpha=keep * scale)
    return U


def _leaky_sums_(y: Tensor, keep: float) -> Tensor:
    """s[t] = keep s[t-1] + y[t]; without a gradient y is overwritten."""
    steps = y.unbind(0)
    if not y.requires_grad:
        for before, now in pairwise(steps):
            now.add_(before, alpha=keep)
        return y
    sums = list(steps[:1])
    for now in steps[1:]:
        sums.append(torch.add(now, sums[-1], alpha=keep))
    return torch.stack(sums) if sums else y


def ipsu(x: Tensor, W: Tensor, b: Tensor, A: Tensor, B: Tensor, scale: float, estimate: str) -> Tensor:
    """V = U - scale B e, U = (W ∘ M) x + b; e = σ(U), A x or x; x [T, N], b [T, 1], others [T, T]."""
    U, finite = causal(lambda x: torch.addmm(b, W.tril(), x), W, x)
    if estimate == "membrane":
        e, of_leak = causal(lambda x: A @ x, A, x)
        return subtract_(U, B, e, scale, finite and of_leak)
    return subtract_(U, B, torch.sigmoid(U) if estimate == "sigmoid" else x, scale, finite)


def rpsu(x: Tensor, W: Tensor, b: Tensor, A: Tensor, B: Tensor, scale: float) -> Tensor:
    """V = A x - scale B σ((W ∘ M) x + b); x [T, N], b [T, 1], others [T, T]."""
    U, finite = causal(lambda x: torch.addmm(b, W.tril(), x), W, x)
    V = A @ x if finite else causal(lambda x: A @ x, A, x)[0]
    return subtract_(V, B, U.sigmoid_(), scale, finite)


class PSU(nn.Module):
    """Parallel spiking unit, by matrices, for any T.

    Args:
        tau: membrane time constant in steps, > 1.
        threshold: Vth > 0, in the firing and in the reset.
        alpha: steepness of the surrogate.
        released: powers of 1/τ instead of powers of β, as in the published code.
    """

    def __init__(self, *, tau: float, threshold: float, alpha: float, released: bool) -> None:
        super().__init__()
        check_parameters(tau=tau, threshold=threshold, alpha=alpha, released=released)
        self.tau, self.threshold, self.alpha, self.released = tau, threshold, alpha, released
        self.scale = threshold

    def matrices(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """A and B for the T, dtype and device of x."""
        key = (x.shape[0], self.tau, self.released, x.dtype, x.device)
        return lif_matrices.leak(*key), lif_matrices.reset(*key)

    def potential(self, x: Tensor) -> Tensor:
        """V for the flattened input x, both [T, N]."""
        return psu(x, *self.matrices(x), self.scale)

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        return fire_(self.potential(x.flatten(1)), self.threshold, self.alpha).view(x.shape)


class ScanPSU(PSU):
    """The same neuron by two recurrences."""

    def potential(self, x: Tensor) -> Tensor:
        """V for the flattened input x, both [T, N]."""
        return psu_scan(x, 1 / self.tau, lif_matrices.decay(self.tau, self.released), self.scale)


class _LearnedPSU(PSU):
    """Adds W [T, T] and b [T, 1] for a fixed T.

    Args:
        T: time steps.
        init: of W; "kaiming" is normal with std sqrt(2/T), "leak" is A, which makes it a psu at first.
        tau, threshold, alpha: as for `PSU`.
        released: as for `PSU`, and the reset is not scaled by Vth.
    """

    def __init__(
        self, *, T: int, init: str, tau: float, threshold: float, alpha: float, released: bool
    ) -> None:
        super().__init__(tau=tau, threshold=threshold, alpha=alpha, released=released)
        check_parameters(init=init)
        self.T = T
        self.scale = 1.0 if released else threshold
        self.weight = nn.Parameter(torch.empty(T, T))
        self.bias = nn.Parameter(torch.zeros(T, 1))
        if init == "kaiming":
            nn.init.kaiming_normal_(self.weight)
        else:
            with torch.no_grad():
                self.weight.copy_(self.matrices(self.weight)[0])

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x, self.T)
        return super().forward(x)

    def learned(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """W and b in the dtype of the input."""
        return self.weight.to(dtype), self.bias.to(dtype)


class IPSU(_LearnedPSU):
    """Input-aware PSU: the integration is learned.

    Args:
        estimate: of the spikes in the reset: "sigmoid" is σ(U), "membrane" A x, "input" x.
        released: as for `_LearnedPSU`; the published code estimates by the input, so "sigmoid" is
            replaced by "input" and "membrane" is refused.
        T, init, tau, threshold, alpha: as for `_LearnedPSU`.
    """

    def __init__(
        self, *, T: int, estimate: str, init: str, tau: float, threshold: float, alpha: float, released: bool
    ) -> None:
        super().__init__(T=T, init=init, tau=tau, threshold=threshold, alpha=alpha, released=released)
        check_parameters(estimate=estimate)
        if released and estimate == "membrane":
            raise NeuronError(
                'estimate = "membrane" with released = true',
                "the released form estimates the reset by the input: leave one of the two out",
            )
        self.estimate = "input" if released else estimate

    def potential(self, x: Tensor) -> Tensor:
        """V for the flattened input x, both [T, N]."""
        return ipsu(x, *self.learned(x.dtype), *self.matrices(x), self.scale, self.estimate)


class RPSU(_LearnedPSU):
    """Reset-aware PSU: the estimate of the reset is learned."""

    def potential(self, x: Tensor) -> Tensor:
        """V for the flattened input x, both [T, N]."""
        return rpsu(x, *self.learned(x.dtype), *self.matrices(x), self.scale)
