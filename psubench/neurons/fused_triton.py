"""The fused neurons on a GPU: the passes over time of `cpp_build` as Triton kernels.

A program takes BLOCK neurons through all of time, state in registers. The backward pass goes through
chunks of steps from the last to the first: it recomputes the states of a chunk from the state that the
forward pass kept at its start, also in registers, and then walks back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from psubench.errors import UnsupportedError

try:
    from psubench.neurons import kernels_triton as kernels
    from psubench.neurons import neurons_triton as equations
except ImportError:
    kernels = equations = None  # type: ignore[assignment]

CHUNK = 8
"""Steps whose inputs a program holds in registers; it keeps every CHUNK-th state for the backward pass."""
BLOCK, WARPS = 128, 4
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


class Kind(NamedTuple):
    """A neuron in `neurons_triton`: its functions' name, its states, and its learned values.

    Attributes:
        name: of its functions, without _step and _back.
        reset: 0 none, 1 soft, 2 hard; for psu, whether q is a second input.
        states, layer, step, own: how many values of a state, and learned ones per layer, step and channel.
    """

    name: str
    reset: int = 0
    states: int = 1
    layer: int = 0
    step: int = 0
    own: int = 0


_RESETS = {"none": 0, "soft": 1, "hard": 2}
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        **{f"lif-{how}": Kind("lif", reset, layer=1) for how, reset in _RESETS.items()},
        **{f"cuba-lif-{how}": Kind("cuba", reset, 2, layer=2) for how, reset in _RESETS.items()},
        **{f"ternary-lif-{how}": Kind("ternary", reset) for how, reset in _RESETS.items()},
        "psu": Kind("psu", 0, 2),
        "rpsu": Kind("psu", 1, 2),
        "clif": Kind("clif", states=2),
        "glif": Kind("glif", states=2, layer=5, step=1),
        "adlif": Kind("adlif", states=3, own=5),
        "tc-lif": Kind("tc", states=2, layer=2),
        "ilif": Kind("ilif"),
    }
)


class Call(NamedTuple):
    """One neuron on tensors of one shape.

    Attributes:
        kind: which neuron.
        numbers: its reset, whether values are learned, and the numbers that `neurons_triton` describes.
        channels, inner: of a step [B, channels, inner].
    """

    kind: Kind
    numbers: tuple[Any, ...]
    channels: int
    inner: int

    def shape(self) -> tuple[int, int, int, int]:
        """Values of a state, and learned ones per layer, step and channel."""
        kind = self.kind
        layer = kind.layer if self.numbers[1] else 0
        return kind.states, layer, kind.step, kind.own

    def function(self, what: str) -> Any:
        """Its `step` or `back`."""
        return getattr(equations, f"{self.kind.name}_{what}")


def _forward(
    x: Tensor, q: Tensor | None, learned: Tensor | None, call: Call, train: bool
) -> tuple[Tensor, Tensor]:
    """Outputs and states of contiguous x and q."""
    out, states = torch.empty_like(x), _states(x, call.kind.states, train)
    T, N = x.shape[0], x[0].numel()
    if N:
        kernels.serial_forward[_grid(N)](
            x, x if q is None else q, x if learned is None else learned, out, states, T, N,
            call.channels, call.inner, call.function("step"), call.numbers, q is not None, *call.shape(),
            train, CHUNK, BLOCK, num_warps=WARPS,
        )  # fmt: skip
    return out, states


class _Serial(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, q: Tensor | None, learned: Tensor | None, call: Call) -> Tensor:
        out, states = _forward(x, q, learned, call, train=True)
        ctx.save_for_backward(x, q, learned, states)
        ctx.call = call
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Gradients:
        x, q, learned, states = ctx.saved_tensors
        call, (T, N) = ctx.call, (x.shape[0], x[0].numel())
        _, layer, step, own = call.shape()
        gx, gq = torch.empty_like(x), None if q is None else torch.empty_like(q)
        totals = states.new_zeros(layer + step * T, *_grid(N))
        of_own = states.new_zeros(own, N)
        if N:
            kernels.serial_backward[_grid(N)](
                gradients[0].contiguous(), x, x if q is None else q, x if learned is None else learned,
                states, gx, gx if gq is None else gq, totals, of_own, T, N, call.channels, call.inner,
                call.function("step"), call.function("back"), call.numbers, q is not None, *call.shape(),
                CHUNK, BLOCK, num_warps=WARPS,
            )  # fmt: skip
        if learned is None:
            return gx, gq, None, None
        by_channel = (
            of_own.double()
            .view(own, N // (call.channels * call.inner), call.channels, call.inner)
            .sum((1, 3))
            .flatten()
        )
        return gx, gq, torch.cat([totals.double().sum(1), by_channel]).to(learned).view_as(learned), None


def serial(
    x: Tensor, q: Tensor | None, learned: Tensor | None, neuron: str, numbers: Sequence[float]
) -> Tensor:
    """As the operator `serial` of `cpp_build`: shapes, meaning and order of the arguments are the same."""
    _check()
    kind, channels = KINDS[neuron], x.shape[2] if x.ndim > 2 else 1
    given = (kind.reset, learned is not None, *numbers)
    inner = max(x[0].numel() // max(x.shape[1], 1) // max(channels, 1), 1)
    call = Call(kind, given, max(channels, 1), inner)
    x, q = x.contiguous(), None if q is None else q.contiguous()
    learned = None if learned is None else learned.contiguous()
    if not _learns(x, q, learned):
        return _forward(x, q, learned, call, train=False)[0]
    out: Tensor = _Serial.apply(x, q, learned, call)  # type: ignore[no-untyped-call]
    return out


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
