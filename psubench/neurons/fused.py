"""Neurons in one pass over time: state stays in the cache, no T launches, no T x T matrices.

CPU: the C++ operators of `cpp_build`. CUDA: the Triton kernels of `fused_triton`. Apart from `forward`,
the modules are the published ones: same parameters, same weights, same equations.
"""

from __future__ import annotations

import torch
from torch import Tensor

from psubench.errors import UnsupportedError
from psubench.neurons import cpp_build, lif_matrices, no_reset, psn, psu, serial
from psubench.neurons.checks import check_shape

DTYPES = (torch.float32, torch.bfloat16, torch.float64)
RESETS = {"none": 0, "soft": 1, "hard": 2}


def check_dtype(x: Tensor) -> None:
    """Raises UnsupportedError for a dtype or a device for which there is no kernel."""
    if x.dtype not in DTYPES:
        raise UnsupportedError(
            f"fused neurons have no kernel for {x.dtype}", "use float32, bfloat16 or float64"
        )
    if x.device.type not in {"cpu", "cuda", "meta"}:
        raise UnsupportedError(f"fused neurons have no kernel for {x.device.type}", "use cpu or cuda")


def through_time(
    x: Tensor,
    *,
    rate: float | Tensor,
    decay_input: bool,
    threshold: float,
    alpha: float,
    reset: str,
    detach_reset: bool,
) -> Tensor:
    """S[t] = H(h[t] - Vth), h = (1 - rate) v + gain x, with the surrogate gradient; shape of x.

    Args:
        x: [T, B, *features].
        rate: 1/τ; a tensor [] if it is learned.
        decay_input: whether gain is the rate; else it is 1.
        reset: "soft", "hard", or "none".
    """
    check_dtype(x)
    learned, number = (rate, 0.0) if isinstance(rate, Tensor) else (None, rate)
    arguments = (x, number, learned, decay_input, threshold, alpha, RESETS[reset], detach_reset)
    if x.is_cuda:
        from psubench.neurons import fused_triton

        return fused_triton.serial(*arguments)
    spikes: Tensor = cpp_build.ops().serial.default(*arguments)
    return spikes


def unrolled(
    x: Tensor,
    q: Tensor | None,
    *,
    leak: float,
    gain: float,
    keep: float,
    scale: float,
    threshold: float,
    alpha: float,
) -> Tensor:
    """S[t] = H(u[t] - r[t] - Vth), u = leak u + gain x, r[t] = keep (r[t-1] + scale σ(q[t-1])).

    Args:
        x: [T, ...].
        q: argument of the estimate, of x's shape; None stands for u.
    """
    check_dtype(x)
    arguments = (x, q, leak, gain, keep, scale, threshold, alpha)
    if x.is_cuda:
        from psubench.neurons import fused_triton

        return fused_triton.psu(*arguments)
    spikes: Tensor = cpp_build.ops().psu.default(*arguments)
    return spikes


def banded(x: Tensor, weights: Tensor, bias: Tensor, alpha: float) -> Tensor:
    """S[t] = H(Σ_j weights[t,j] x[t-j] + bias[t]) for x [T, ...].

    Args:
        weights: [T, k], or [1, k] if they are the same at every step; weights[t,j] is that of lag j.
        bias: T entries or one.
    """
    check_dtype(x)
    if x.is_cuda:
        from psubench.neurons import fused_triton

        return fused_triton.band(x, weights, bias, alpha)
    spikes: Tensor = cpp_build.ops().band.default(x, weights, bias, alpha)
    return spikes


def fire(V: Tensor, threshold: float, alpha: float) -> Tensor:
    """H(V - threshold) with the surrogate gradient, fused backwards too; V has shape [T, ...]."""
    if not (V.requires_grad and torch.is_grad_enabled()):
        return V.ge_(threshold)
    return through_time(
        V, rate=1.0, decay_input=True, threshold=threshold, alpha=alpha, reset="none", detach_reset=True
    )


class _Fused(serial.Serial):
    """Forward pass shared by the serial neurons; a neuron defines `rate`."""

    decay_input: bool

    def rate(self) -> float | Tensor:
        """1/τ."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        return through_time(
            x, rate=self.rate(), decay_input=self.decay_input, threshold=self.threshold, alpha=self.alpha,
            reset=self.reset, detach_reset=self.detach_reset,
        )  # fmt: skip


class IF(_Fused, serial.IF):
    """Integrate and fire: no leak."""

    decay_input = False

    def rate(self) -> float:
        """0: nothing leaks."""
        return 0.0


class LIF(_Fused, serial.LIF):
    """Leaky integrate and fire."""

    def rate(self) -> float:
        """1/τ."""
        return 1 / self.tau


class PLIF(_Fused, serial.PLIF):
    """LIF with a learned 1/τ."""

    def rate(self) -> Tensor:
        """1/τ = σ(w)."""
        return torch.sigmoid(self.w.float() if self.w.dtype == torch.bfloat16 else self.w)


class NoResetLIF(no_reset.NoResetLIF):
    """LIF without its reset."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        return through_time(
            x, rate=1 / self.tau, decay_input=True, threshold=self.threshold, alpha=self.alpha,
            reset="none", detach_reset=True,
        )  # fmt: skip


class PSU(psu.PSU):
    """Parallel spiking unit as two recurrences."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        keep = lif_matrices.decay(self.tau, self.released)
        return unrolled(
            x, None, leak=keep, gain=1 / self.tau, keep=keep, scale=self.scale,
            threshold=self.threshold, alpha=self.alpha,
        )  # fmt: skip


class SlidingPSN(psn.SlidingPSN):
    """S[t] = H(Σ_{i<k} W_i x[t-k+1+i] + b), in O(kT)."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        by_lag = self.weight.flip(0)[None, : x.shape[0]].to(x.dtype)
        return banded(x, by_lag, self.bias.to(x.dtype), self.alpha)
