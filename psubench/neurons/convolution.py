"""Neurons that are one causal convolution over time: of a kernel as long as the input, or of few taps.

Long kernels go through the FFT of 2T points, in float32 at least: O(T log T) per neuron, and every output
depends on every input, but only through rounding.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from psubench.neurons.channels import PerChannel, filled, lazy_norm, uniform, unshaped
from psubench.neurons.checks import check_parameters, check_shape
from psubench.neurons.products import clean, in_own_precision, looked_at
from psubench.neurons.surrogate import fire_, heaviside


def causal(x: Tensor, kernel: Tensor) -> Tensor:
    """y[t] = Σ_{i<=t} kernel[t-i] x[i], in float32 at least.

    An FFT takes a NaN to all steps, earlier ones too. On a CPU this is seen in the first step, and then it is
    computed again without what is not finite, whose own and later steps are NaN, as in `products.causal`.

    Args:
        x: [T, B, C, *] or [T, B].
        kernel: [T, C], C = 1 for x [T, B]; or [T], the same for all channels.
    """
    if not x.numel():  # a graph is prepared with no neurons, which some FFTs refuse
        return x
    T = x.shape[0]
    wide = torch.promote_types(x.dtype, torch.float32)
    channels = kernel.shape[1] if kernel.ndim == 2 else 1
    each = (1, channels, *[1] * (x.ndim - 3)) if x.ndim > 2 else (1,)
    taps = kernel.to(wide).reshape(T, *each)
    response = torch.fft.rfft(taps, n=2 * T, dim=0)

    def convolved(x: Tensor) -> Tensor:
        y: Tensor = torch.fft.irfft(torch.fft.rfft(x.to(wide), n=2 * T, dim=0) * response, n=2 * T, dim=0)[:T]
        # The surrogate writes into tensors laid out as y is, which a graph takes only without gaps.
        return y.contiguous() if torch.compiler.is_compiling() else y

    y = convolved(x)
    if not looked_at(y) or clean(y[:1]):
        return y
    finite = x.isfinite()
    met = finite.logical_not().cumsum(0) > 0
    return convolved(torch.where(finite, x, 0)).masked_fill(met, torch.nan)


def decaying(T: int, rate: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of exp((rate + i angle) t) for t < T, [T, *] for rate and angle [*]."""
    t = torch.arange(T, device=rate.device, dtype=rate.dtype).reshape(T, *[1] * rate.ndim)
    size = torch.exp(rate * t)
    return size * torch.cos(angle * t), size * torch.sin(angle * t)


class PRF(PerChannel):
    """Parallel resonate and fire: z = exp(dt (-1/τ + i θ)) z + dt x; s = H(Re z - Vth), without a reset.

    dt and θ are learned for every channel by their logarithms; log dt ~ U(log 0.001, log 0.1) and θ ~
    2π U(0, 1)/scale. Surrogate: arctangent with α = 2, the authors' (arXiv:2410.03530).

    Args:
        tau: time constant, > 1.
        scale: divides the initial θ.
        threshold: Vth > 0.
        alpha: steepness of the surrogate.
    """

    def __init__(self, *, tau: float, scale: float, threshold: float, alpha: float) -> None:
        super().__init__()
        check_parameters(tau=tau, scale=scale, threshold=threshold, alpha=alpha)
        self.tau, self.scale, self.threshold, self.alpha = tau, scale, threshold, alpha
        self.log_dt, self.log_theta = unshaped(), unshaped()

    def draw(self, count: int) -> None:
        """Draws time steps and angular frequencies."""
        uniform(self.log_dt, count, math.log(0.001), math.log(0.1))
        filled(self.log_theta, torch.log(2 * math.pi / self.scale * (1 - torch.rand(count))))

    def kernel(self, T: int) -> Tensor:
        """The response of Re z to an input of 1 at t = 0, [T, C]."""
        dt = torch.exp(self.log_dt.to(torch.promote_types(self.log_dt.dtype, torch.float32)))
        real, _ = decaying(T, -dt / self.tau, dt * torch.exp(self.log_theta.to(dt.dtype)))
        return dt * real

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, C, *]."""
        check_shape(x)
        self.check_channels(x)
        return fire_(causal(x, self.kernel(x.shape[0])), self.threshold, self.alpha).to(x.dtype)


class _PowerOfTwo(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, w: Tensor) -> Tensor:  # noqa: ARG004
        return torch.sign(w) * torch.exp2(torch.round(torch.log2(w.abs())))

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        return gradients[0]


def power_of_two(w: Tensor) -> Tensor:
    """sign(w) 2^round(log2 abs(w)), 0 for 0; the gradient passes straight through. Shape of w."""
    if not (w.requires_grad and torch.is_grad_enabled()):
        return torch.sign(w) * torch.exp2(torch.round(torch.log2(w.abs())))
    quantised: Tensor = _PowerOfTwo.apply(w)  # type: ignore[no-untyped-call]
    return quantised


class MulFreePSN(PerChannel):
    """Sliding PSN of every channel with weights ±2^n, which need no multiplication, and a dilation.

    h[t] = Σ_{i<k} Wq[i] x[t-(k-1-i) d]; s = H(BN(h)), where the threshold is the offset of a batch norm of
    its own (scale 1, offset -1 at first). While it trains, the batch norm sees all steps of the batch: it is
    causal in inference only. Weights start as torch's convolutions do; the gradient passes the rounding of
    the exponents straight through. Surrogate: arctangent with α = 2 (arXiv:2501.14490).

    Args:
        k: taps.
        dilation: steps d between two taps.
        alpha: steepness of the surrogate.
    """

    def __init__(self, *, k: int, dilation: int, alpha: float) -> None:
        super().__init__()
        check_parameters(k=k, dilation=dilation, alpha=alpha)
        self.k, self.dilation, self.alpha = k, dilation, alpha
        self.weight = unshaped()
        self.norm = lazy_norm()

    def draw(self, count: int) -> None:
        """Taps [C, k], and the batch norm of C channels."""
        self.norm.eval()(torch.zeros(1, count, 1, device=self.weight.device, dtype=self.weight.dtype))
        self.norm.train(self.training).bias.fill_(-1)
        bound = 1 / math.sqrt(self.k)
        filled(self.weight, torch.empty(count, self.k).uniform_(-bound, bound))

    def normalised(self, h: Tensor) -> Tensor:
        """The batch norm of h [N, C, T], in the dtype of h."""
        norm = self.norm
        if norm.weight.dtype == h.dtype:
            normalised: Tensor = norm(h)
            return normalised
        assert norm.running_mean is not None
        assert norm.running_var is not None
        mean, variance, gain, offset = (
            value.to(h.dtype) for value in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        momentum = 0.1 if norm.momentum is None else norm.momentum
        y = nn.functional.batch_norm(h, mean, variance, gain, offset, norm.training, momentum, norm.eps)
        if norm.training:
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
        return y

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, C, *]."""
        check_shape(x)
        self.check_channels(x)
        if not x.numel():
            return torch.empty_like(x)  # a batch norm of nothing has no statistics
        T, B, C = x.shape[0], x.shape[1], self.weight.shape[0]
        places = math.prod(x.shape[3:])
        wide = torch.promote_types(x.dtype, torch.float32)
        weight = power_of_two(self.weight.to(wide))
        lines = x.reshape(T, B, C, places)
        lines = lines.permute(1, 3, 2, 0).flatten(0, 1)  # [B places, C, T]
        padded = nn.functional.pad(lines.to(wide), ((self.k - 1) * self.dilation, 0))
        h = nn.functional.conv1d(padded, weight[:, None], dilation=self.dilation, groups=C)
        spikes = heaviside(self.normalised(h), 0.0, self.alpha).to(x.dtype)
        return spikes.reshape(B, places, C, T).permute(3, 0, 2, 1).reshape(x.shape)
