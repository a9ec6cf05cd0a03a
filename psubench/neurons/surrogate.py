"""Firing: the step function H(z) = 1 for z >= 0, with the derivative of an arctangent in its place.

g(z) = atan(π/2 α z)/π + 1/2,  g'(z) = α / (2 (1 + (π/2 α z)²))  (Fang et al. 2021, arXiv:2007.05785).
"""

from __future__ import annotations

import math
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
    """`heaviside` for a v that nobody needs afterwards: without a gradient it is overwritten."""
    return heaviside(v, threshold, alpha) if v.requires_grad else v.ge_(threshold)
