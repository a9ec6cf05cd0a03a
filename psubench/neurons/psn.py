"""The PSN family: learned mixing over time, no reset (Fang et al. 2023, arXiv:2304.12760).

The learned threshold is kept as a bias b = -Vth, which the matrix product adds for free. Names, shapes
and initial values are those of the published code, so weights carry over in both directions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from psubench.neurons.checks import check_order, check_parameters, check_shape
from psubench.neurons.products import causal, in_own_precision
from psubench.neurons.surrogate import fire_


def mixed(x: Tensor, W: Tensor, b: Tensor, alpha: float, lower: bool) -> Tensor:
    """S = H(W x + b) for x [T, B, *features], W [T, T], lower triangular or not, b [T, 1] or []."""
    flat = x.flatten(1)
    V = causal(lambda x: torch.addmm(b, W, x), W, flat)[0] if lower else torch.addmm(b, W, flat)
    return fire_(V, 0.0, alpha).view(x.shape)


def masked(W: Tensor, k: int, lam: float) -> Tensor:
    """W ∘ (λ M_k + 1 - λ), [T, T]; M_k[t,i] = 1 for 0 <= t - i < k."""
    if lam == 0:
        return W
    band = W.tril().triu(1 - k)
    return band if lam == 1 else torch.lerp(W, band, lam)


def sliding(w: Tensor, T: int) -> Tensor:
    """[T, T] with w [k] along the diagonals: row t holds w[k-1-(t-i)] at i for 0 <= t - i < k."""
    w = w[-T:]
    line = nn.functional.pad(w, (T - w.shape[0], T - 1))  # row t is line[T-1-t : 2T-1-t]
    return line.unfold(0, T, 1).flip(0)


class PSN(nn.Module):
    """S = H(W x + b), W full: it sees the future.

    Args:
        T: time steps.
        threshold: initial threshold, b = -threshold.
        alpha: steepness of the surrogate.
    """

    def __init__(self, *, T: int, threshold: float, alpha: float) -> None:
        super().__init__()
        check_parameters(threshold=threshold, alpha=alpha)
        self.T, self.alpha = T, alpha
        self.weight = nn.Parameter(torch.empty(T, T))
        self.bias = nn.Parameter(torch.full((T, 1), -float(threshold)))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def mixing(self) -> Tensor:
        """The matrix that mixes the steps, [T, T]."""
        return self.weight

    def is_causal(self) -> bool:
        """Whether that matrix is lower triangular."""
        return False

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x, self.T)
        return mixed(x, self.mixing().to(x.dtype), self.bias.to(x.dtype), self.alpha, self.is_causal())


class MaskedPSN(PSN):
    """PSN that fades to the causal band of order k as `lambda_` goes from 0 to 1.

    Args:
        k: steps that the band reaches back to, the present included; 1 to T.
        lam: first value of `lambda_`.
        T, threshold, alpha: as for `PSN`.
    """

    def __init__(self, *, T: int, k: int, lam: float, threshold: float, alpha: float) -> None:
        super().__init__(T=T, threshold=threshold, alpha=alpha)
        check_parameters(k=k)
        check_order(k, T)
        self.k = k
        self.lambda_ = lam

    @property
    def lambda_(self) -> float:
        """λ in [0, 1]; training raises it to 1, from where on the neuron is causal."""
        return self._lambda

    @lambda_.setter
    def lambda_(self, value: float) -> None:
        """Errors: NeuronError outside of [0, 1]."""
        check_parameters(lam=value)
        self._lambda = float(value)

    def mixing(self) -> Tensor:
        """W ∘ M_k(λ), [T, T]."""
        return masked(self.weight, self.k, self.lambda_)

    def is_causal(self) -> bool:
        """From λ = 1 on."""
        return self.lambda_ == 1


class SlidingPSN(nn.Module):
    """S[t] = H(Σ_{i<k} W_i x[t-k+1+i] + b), causal, for any T.

    Args:
        k: weights; W starts at (..., 1/4, 1/2, 1).
        threshold: initial threshold, b = -threshold.
        alpha: steepness of the surrogate.
    """

    def __init__(self, *, k: int, threshold: float, alpha: float) -> None:
        super().__init__()
        check_parameters(k=k, threshold=threshold, alpha=alpha)
        self.k, self.alpha = k, alpha
        self.weight = nn.Parameter(0.5 ** torch.arange(k - 1, -1, -1.0))
        self.bias = nn.Parameter(torch.tensor(-float(threshold)))

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        W = sliding(self.weight.to(x.dtype), x.shape[0])
        return mixed(x, W, self.bias.to(x.dtype), self.alpha, lower=True)
