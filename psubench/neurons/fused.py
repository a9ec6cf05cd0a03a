"""Neurons in one pass over time: state stays in the cache, no T launches, no T x T matrices.

CPU: the C++ operators of `cpp_build`. CUDA: the Triton kernels of `fused_triton`. Apart from `forward`,
the modules are the published ones: same parameters, same weights, same equations.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from psubench.errors import UnsupportedError
from psubench.neurons import cpp_build, lif_matrices, no_reset, psn, psu
from psubench.neurons import serial as serial_loop
from psubench.neurons.checks import check_shape

DTYPES = (torch.float32, torch.bfloat16, torch.float64)


def check_dtype(x: Tensor) -> None:
    """Raises UnsupportedError for a dtype or a device for which there is no kernel."""
    if x.dtype not in DTYPES:
        raise UnsupportedError(
            f"fused neurons have no kernel for {x.dtype}", "use float32, bfloat16 or float64"
        )
    if x.device.type not in {"cpu", "cuda", "meta"}:
        raise UnsupportedError(f"fused neurons have no kernel for {x.device.type}", "use cpu or cuda")


def serial(
    x: Tensor,
    neuron: str,
    numbers: Sequence[float],
    *,
    q: Tensor | None = None,
    learned: Tensor | None = None,
) -> Tensor:
    """Output of one of the neurons in fused_neurons.h, with its surrogate gradient; shape of x.

    Args:
        x: [T, B, *features]; a neuron with values per channel has them for the third dimension.
        neuron: its name there.
        numbers: in the order in which its constructor in fused_lif.h or fused_stateful.h reads them.
        q: its second input, of x's shape.
        learned: float32 or float64; its values per layer, per step and per channel in a row.
    """
    check_dtype(x)
    if x.is_cuda:
        from psubench.neurons import fused_triton

        return fused_triton.serial(x, q, learned, neuron, numbers)
    outputs: Tensor = cpp_build.ops().serial.default(x, q, learned, neuron, numbers)
    return outputs


def wide(learned: Tensor) -> Tensor:
    """Learned values in the dtype of a neuron's states: bfloat16 as float32."""
    return learned.float() if learned.dtype == torch.bfloat16 else learned


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
    return serial(x, "psu" if q is None else "rpsu", (leak, gain, keep, scale, threshold, alpha), q=q)


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
    return serial(V, "lif-none", (True, threshold, alpha, True, 1.0))


class IF(serial_loop.IF):
    """Integrate and fire: no leak."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        numbers = (False, self.threshold, self.alpha, self.detach_reset, 0.0)
        return serial(x, f"lif-{self.reset}", numbers)


class LIF(serial_loop.LIF):
    """Leaky integrate and fire."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        numbers = (self.decay_input, self.threshold, self.alpha, self.detach_reset, 1 / self.tau)
        return serial(x, f"lif-{self.reset}", numbers)


class PLIF(serial_loop.PLIF):
    """LIF with a learned 1/τ."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        numbers = (self.decay_input, self.threshold, self.alpha, self.detach_reset)
        return serial(x, f"lif-{self.reset}", numbers, learned=torch.sigmoid(wide(self.w)))


class NoResetLIF(no_reset.NoResetLIF):
    """LIF without its reset."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        return serial(x, "lif-none", (True, self.threshold, self.alpha, True, 1 / self.tau))


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
