"""Firing: the step function H(z) = 1 for z >= 0, with a surrogate gradient.

The default is the derivative of an arctangent, g(z) = atan(π/2 α z)/π + 1/2, g'(z) = α / (2 (1 + (π/2 α z)²))
(Fang et al. 2021, arXiv:2007.05785). Neurons whose authors use another one have that one, see `SLOPES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor


def step(v: Tensor, threshold: float) -> Tensor:
    """H(v - threshold) as 0 and 1 in the dtype of v, without a gradient; shape of v.

    Writing the comparison straight into the result's dtype saves the boolean tensor and a pass over it.
    """
    return torch.ge(v, threshold, out=torch.empty_like(v))


class _Heaviside(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, v: Tensor, threshold: float, alpha: float) -> Tensor:
        ctx.save_for_backward(v)
        ctx.threshold, ctx.alpha = threshold, alpha
        return step(v, threshold)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (v,) = ctx.saved_tensors
        # g'(z) = 1 / (2/α + π² α/2 z²), in one new tensor.
        curvature = 0.5 * math.pi**2 * ctx.alpha
        inverse = (v - ctx.threshold).square_().mul_(curvature).add_(2 / ctx.alpha)
        return torch.div(gradients[0], inverse, out=inverse), None, None


def heaviside(v: Tensor, threshold: float, alpha: float) -> Tensor:
    """H(v - threshold) with the surrogate gradient g'(v - threshold); shape and dtype of v."""
    spikes: Tensor = _Heaviside.apply(v, threshold, alpha)  # type: ignore[no-untyped-call]
    return spikes


def fire_(v: Tensor, threshold: float, alpha: float) -> Tensor:
    """`heaviside` for a v that is not needed afterwards: without a gradient it is overwritten."""
    return heaviside(v, threshold, alpha) if v.requires_grad else v.ge_(threshold)


def _box(z: Tensor, alpha: float) -> Tensor:
    return (z.abs() < 0.5 / alpha).to(z.dtype).mul_(alpha)


def _triangle(z: Tensor, alpha: float) -> Tensor:
    return z.abs().mul_(-alpha).add_(1).clamp_(min=0).mul_(alpha)


def _logistic(z: Tensor, alpha: float) -> Tensor:
    p = torch.sigmoid(alpha * z)
    return (1 - p).mul_(p).mul_(alpha)


SLOPES: Mapping[str, Callable[[Tensor, float], Tensor]] = MappingProxyType(
    {"box": _box, "triangle": _triangle, "logistic": _logistic}
)
"""Surrogate derivatives by name: α for abs(z) < 1/(2 α); α max(0, 1 - α abs(z)); α σ(α z)(1 - σ(α z))."""


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, slope: str, alpha: float, strict: bool) -> Tensor:
        ctx.save_for_backward(z)
        ctx.slope, ctx.alpha = slope, alpha
        return (z > 0 if strict else z >= 0).to(z.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (z,) = ctx.saved_tensors
        return gradients[0] * SLOPES[ctx.slope](z, ctx.alpha), None, None, None


def fire(z: Tensor, slope: str, alpha: float, *, strict: bool = False) -> Tensor:
    """H(z) with one of the surrogate derivatives in `SLOPES`; shape and dtype of z.

    Args:
        slope: name in `SLOPES`.
        alpha: its steepness α.
        strict: whether z = 0 is below the threshold.
    """
    if not (z.requires_grad and torch.is_grad_enabled()):
        return (z > 0 if strict else z >= 0).to(z.dtype)
    spikes: Tensor = _Step.apply(z, slope, alpha, strict)  # type: ignore[no-untyped-call]
    return spikes
