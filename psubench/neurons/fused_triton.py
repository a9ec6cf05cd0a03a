"""The fused neurons on a GPU: the passes over time of `cpp_build` as Triton kernels.

A program takes BLOCK neurons through all of time, state in registers. The backward pass goes through
chunks of steps from the last to the first: it recomputes the states of a chunk from the state that the
forward pass kept at its start, also in registers, and then walks back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from psubench.errors import UnsupportedError

try:
    from psubench.neurons import kernels_triton as kernels
except ImportError:
    kernels = None  # type: ignore[assignment]

CHUNK = 8
"""Steps whose inputs a program holds in registers; it keeps every CHUNK-th state for the backward pass."""
BLOCK, WARPS = 128, 4
RESETS = ("lif-none", "lif-soft", "lif-hard")
"""The numbers of their resets in `kernels_triton`."""
Gradients = tuple[Tensor | None, ...]


def _grid(N: int) -> tuple[int]:
    return ((N + BLOCK - 1) // BLOCK,)


def _check() -> None:
    if kernels is None:
        raise UnsupportedError("fused neurons need Triton on a GPU", "pip install triton")


def _learns(*tensors: Tensor | None) -> bool:
    return torch.is_grad_enabled() and any(one is not None and one.requires_grad for one in tensors)


def _states(x: Tensor, parts: int, train: bool) -> Tensor:
    """State at the first step of each chunk, [chunks, parts, N]; without chunks if there is no backward."""
    return _scratch(x, ((x.shape[0] + CHUNK - 1) // CHUNK if train else 0, parts, x[0].numel()))


def _scratch(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return x.new_empty(shape, dtype=torch.float64 if x.dtype == torch.float64 else torch.float32)


def _serial_forward(
    x: Tensor, learned: Tensor | None, factors: tuple[Any, ...], reset: int, train: bool
) -> tuple[Tensor, Tensor]:
    """Spikes and states of contiguous x."""
    spikes, states = torch.empty_like(x), _states(x, 1, train)
    T, N = x.shape[0], x[0].numel()
    if N:
        kernels.serial_forward[_grid(N)](
            x, x if learned is None else learned, spikes, states, T, N, *factors, reset, train, CHUNK, BLOCK,
            num_warps=WARPS,
        )  # fmt: skip
    return spikes, states


class _Serial(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, learned: Tensor | None, factors: tuple[Any, ...],
        alpha: float, reset: int, detach_reset: bool,
    ) -> Tensor:  # fmt: skip
        spikes, states = _serial_forward(x, learned, factors, reset, train=True)
        ctx.save_for_backward(x, states, learned)
        ctx.numbers = (*factors, alpha, reset, detach_reset)
        return spikes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Gradients:
        x, states, learned = ctx.saved_tensors
        T, N = x.shape[0], x[0].numel()
        gx, sums = torch.empty_like(x), torch.zeros_like(states[0, 0])
        if N:
            kernels.serial_backward[_grid(N)](
                gradients[0].contiguous(), x, x if learned is None else learned, states, gx, sums, T, N,
                *ctx.numbers, CHUNK, BLOCK, num_warps=WARPS,
            )  # fmt: skip
        return gx, None if learned is None else sums.double().sum().to(learned), None, None, None, None


def serial(
    x: Tensor, q: Tensor | None, learned: Tensor | None, neuron: str, numbers: Sequence[float]
) -> Tensor:
    """As the operator `serial` of `cpp_build`: shapes, meaning and order of the arguments are the same."""
    _check()
    x, q = x.contiguous(), None if q is None else q.contiguous()
    if neuron in {"psu", "rpsu"}:
        return _psu(x, q, tuple(numbers))
    if neuron not in RESETS:
        raise UnsupportedError(f"{neuron} has no fused kernel for a GPU yet", "use its loop, or a CPU")
    decay_input, threshold, alpha, detach, *rate = numbers
    factors = (rate[0] if rate else 0.0, learned is not None, bool(decay_input), threshold)
    reset = RESETS.index(neuron)
    if not _learns(x, learned):
        return _serial_forward(x, learned, factors, reset, train=False)[0]
    spikes: Tensor = _Serial.apply(x, learned, factors, alpha, reset, bool(detach))  # type: ignore[no-untyped-call]
    return spikes


def _psu_forward(
    x: Tensor, q: Tensor | None, numbers: tuple[float, ...], train: bool
) -> tuple[Tensor, Tensor]:
    """Spikes and states of contiguous x and q."""
    spikes, states = torch.empty_like(x), _states(x, 2, train)
    T, N = x.shape[0], x[0].numel()
    if N:
        kernels.psu_forward[_grid(N)](
            x, x if q is None else q, spikes, states, T, N, *numbers[:-1], q is not None, train, CHUNK, BLOCK,
            num_warps=WARPS,
        )  # fmt: skip
    return spikes, states


class _Psu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, q: Tensor | None, numbers: tuple[float, ...]) -> Tensor:
        spikes, states = _psu_forward(x, q, numbers, train=True)
        ctx.save_for_backward(x, q, states)
        ctx.numbers = numbers
        return spikes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Gradients:
        x, q, states = ctx.saved_tensors
        T, N = x.shape[0], x[0].numel()
        gx, gq = torch.empty_like(x), None if q is None else torch.empty_like(q)
        if N:
            kernels.psu_backward[_grid(N)](
                gradients[0].contiguous(), x, x if q is None else q, states, gx, gx if gq is None else gq,
                T, N, *ctx.numbers, q is not None, CHUNK, BLOCK, num_warps=WARPS,
            )  # fmt: skip
        return gx, gq, None


def _psu(x: Tensor, q: Tensor | None, numbers: tuple[float, ...]) -> Tensor:
    if not _learns(x, q):
        return _psu_forward(x, q, numbers, train=False)[0]
    spikes: Tensor = _Psu.apply(x, q, numbers)  # type: ignore[no-untyped-call]
    return spikes


class _Band(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: Tensor, bias: Tensor, alpha: float) -> Tensor:
        x, weights, bias = x.contiguous(), weights.contiguous(), bias.contiguous()
        spikes = torch.empty_like(x)
        T, N, k = x.shape[0], x[0].numel(), weights.shape[1]
        strides = (0 if len(weights) == 1 else k, 0 if bias.numel() == 1 else 1)
        if N:
            kernels.band_forward[(*_grid(N), T)](x, weights, bias, spikes, N, k, *strides, BLOCK)
        ctx.save_for_backward(x, weights, bias)
        ctx.strides, ctx.alpha = strides, alpha
        return spikes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Gradients:
        x, weights, bias = ctx.saved_tensors
        T, N, k = x.shape[0], x[0].numel(), weights.shape[1]
        gx, of_V = torch.empty_like(x), _scratch(x, (T, N))
        g = gradients[0].contiguous()
        if N:
            kernels.band_potential_gradient[(*_grid(N), T)](
                g, x, weights, bias, of_V, N, k, *ctx.strides, ctx.alpha, BLOCK
            )
            kernels.band_input_gradient[(*_grid(N), T)](of_V, weights, gx, T, N, k, ctx.strides[0], BLOCK)
        flat = x.reshape(T, N).to(of_V.dtype)
        per_step = of_V.new_zeros(T, k)
        for lag in range(min(k, T)):
            per_step[lag:, lag] = (of_V[lag:] * flat[: T - lag]).sum(1)
        of_bias = of_V.sum(1)
        if len(weights) == 1:
            per_step = per_step.sum(0, keepdim=True)
        if bias.numel() == 1:
            of_bias = of_bias.sum()
        return gx, per_step.to(weights), of_bias.view_as(bias).to(bias), None


def band(x: Tensor, weights: Tensor, bias: Tensor, alpha: float) -> Tensor:
    """As the operator `band` of `cpp_build`."""
    _check()
    spikes: Tensor = _Band.apply(x, weights, bias, alpha)  # type: ignore[no-untyped-call]
    return spikes
