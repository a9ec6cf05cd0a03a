"""Parallel multi-compartment spiking neuron: a diagonal state-space kernel, spikes of a cumulated drive."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from psubench.neurons.channels import PerChannel, filled, uniform, unshaped
from psubench.neurons.checks import check_parameters, check_shape
from psubench.neurons.convolution import causal, decaying
from psubench.neurons.products import in_own_precision

COMPARTMENTS = 4


def _left(r: Tensor, threshold: float) -> Tensor:
    """The cumulated drive, minus the thresholds that had been reached in the step before."""
    total = r.cumsum(0)
    before = torch.cat([torch.zeros_like(total[:1]), total[:-1]])
    return total - threshold * torch.floor(before / threshold)


class _Drain(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, r: Tensor, threshold: float) -> Tensor:
        left = _left(r, threshold)
        ctx.save_for_backward(left)
        ctx.threshold = threshold
        return torch.floor(left / threshold).clamp_(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (left,) = ctx.saved_tensors
        return gradients[0] * ((left - ctx.threshold).abs() < 1), None


def drain(r: Tensor, threshold: float) -> Tensor:
    """s_t = clamp(floor((c_t - Vth floor(c_{t-1}/Vth))/Vth), 0, 1), c the sum over time of the drive r >= 0.

    The gradient, the authors', reaches r_t from s_t alone: 1 where the cumulated drive lies within 1 of Vth.
    Shape of r, [T, ...].
    """
    if not (r.requires_grad and torch.is_grad_enabled()):
        return torch.floor(_left(r, threshold) / threshold).clamp_(0, 1)
    spikes: Tensor = _Drain.apply(r, threshold)  # type: ignore[no-untyped-call]
    return spikes


def compartments() -> tuple[Tensor, Tensor, Tensor]:
    """Eigenvalues (their imaginary parts; the real ones are -1/2), V^-1 B and C V of the initial chain.

    The chain S has -1/2 on its diagonal, 5 i above and -5 i below it; B = 1 everywhere, C reads the last
    compartment. All [n], complex but for the first.
    """
    n = COMPARTMENTS
    rungs = 5.0 * torch.arange(1, n)
    skew = torch.diag(rungs, 1) - torch.diag(rungs, -1)
    frequencies, V = torch.linalg.eigh((skew * -1j).to(torch.complex64))
    return frequencies, V.conj().T.sum(1), V[-1]


class PMSN(PerChannel):
    """y = k * u + D u with k[t] = Re Σ_n C_n B̄_n exp(A_n dt t); spikes of relu(y) by `drain`. No reset of z.

    Four complex compartments per channel, discretised by B̄ = (exp(A dt) - 1) B/A; A = -exp(log_rate) +
    i frequency, log dt ~ U(log 0.001, log 0.1), D ~ N(0, 1): 26 learned values per channel. The batch norm
    of the released module is left to the network (arXiv:2408.14917).

    Args:
        threshold: Vth > 0.
    """

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        check_parameters(threshold=threshold)
        self.threshold = threshold
        self.log_dt, self.D = unshaped(), unshaped()
        self.log_rate, self.frequency = unshaped(), unshaped()
        self.B, self.C = unshaped(), unshaped()  # [C, n, 2]: real and imaginary parts

    def draw(self, count: int) -> None:
        """The same chain for every channel, with a separate time step each."""
        uniform(self.log_dt, count, math.log(0.001), math.log(0.1))
        filled(self.D, torch.randn(count))
        frequencies, B, C = compartments()
        filled(self.log_rate, torch.full((count, COMPARTMENTS), math.log(0.5)))
        filled(self.frequency, frequencies.expand(count, -1))
        filled(self.B, torch.view_as_real(B).expand(count, -1, -1))
        filled(self.C, torch.view_as_real(C.resolve_conj()).expand(count, -1, -1))

    def kernel(self, T: int) -> Tensor:
        """k [T, C]. Complex numbers are pairs, which every backend of torch can differentiate."""
        wide = torch.promote_types(self.log_dt.dtype, torch.float32)
        dt = torch.exp(self.log_dt.to(wide))[:, None]
        rate, angle = -torch.exp(self.log_rate.to(wide)), self.frequency.to(wide)
        grown = torch.exp(rate * dt)
        step = (grown * torch.cos(angle * dt) - 1, grown * torch.sin(angle * dt))
        held = _over(step, (rate, angle))
        real, imaginary = _times(_times(held, _pair(self.B.to(wide))), _pair(self.C.to(wide)))
        cosine, sine = decaying(T, rate * dt, angle * dt)
        return (real * cosine - imaginary * sine).sum(-1)

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, C, *]."""
        check_shape(x)
        self.check_channels(x)
        y = causal(x, self.kernel(x.shape[0]))
        direct = self.D.to(y.dtype).reshape(-1, *[1] * max(x.ndim - 3, 0))
        return drain(nn.functional.relu(y + direct * x.to(y.dtype)), self.threshold).to(x.dtype)


_Pair = tuple[Tensor, Tensor]


def _pair(z: Tensor) -> _Pair:
    real, imaginary = z.unbind(-1)
    return real, imaginary


def _times(a: _Pair, b: _Pair) -> _Pair:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _over(a: _Pair, b: _Pair) -> _Pair:
    size = b[0] * b[0] + b[1] * b[1]
    real, imaginary = _times(a, (b[0], -b[1]))
    return real / size, imaginary / size
