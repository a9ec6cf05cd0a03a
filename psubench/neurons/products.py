"""Products of a lower triangular matrix with the input of all steps, and the precision of neurons.

A zero of the matrix times a NaN is NaN: one NaN or infinity in the input would destroy all earlier spikes of
its neuron, which a loop keeps. So the first row of a product, which depends on the first step alone, is
checked: a NaN there comes from a later step. Only then is the product computed again, without the non-finite
values. On a GPU nothing is checked, because the host would have to wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import torch
from torch import Tensor, nn

Neuron = TypeVar("Neuron", bound=nn.Module)

SUMMED = 4096  # entries; summing more and looking at the sum takes less time than comparing them all


def in_own_precision(forward: Callable[[Neuron, Tensor], Tensor]) -> Callable[[Neuron, Tensor], Tensor]:
    """A forward pass that computes in the dtype of its input, also inside of a user's `torch.autocast`."""

    @wraps(forward)
    def run(self: Neuron, x: Tensor) -> Tensor:
        if not torch.is_autocast_enabled(x.device.type):
            return forward(self, x)
        with torch.autocast(x.device.type, enabled=False):
            return forward(self, x)

    return run


def looked_at(x: Tensor) -> bool:
    """Whether values can be checked without waiting for a device, and outside of a graph."""
    return not torch.compiler.is_compiling() and x.is_cpu and type(x) is Tensor


def clean(rows: Tensor) -> bool:
    """Whether there is no NaN; rows of any shape."""
    if rows.numel() > SUMMED:
        total = rows.sum().tolist()  # reads the value without another operator
        if total == total:
            return True  # a NaN would be in the sum; opposite infinities give one too, so look closer
    return torch.equal(rows, rows)


def causal(
    product: Callable[[Tensor], Tensor], M: Tensor, x: Tensor, rows: int | None = None
) -> tuple[Tensor, bool]:
    """M x, and whether x was finite as far as was checked.

    Args:
        product: gives M x + b for x [T, N]; it may go by blocks.
        M: [T, T]; entries above its diagonal are not part of the product.
        rows: of a block; None if there is one.
    """
    V = product(x)
    if not looked_at(V) or clean(V[0] if rows is None else V[::rows]):
        return V, True
    finite = x.isfinite()
    met = (M.tril() != 0).to(x.dtype) @ finite.logical_not().to(x.dtype) > 0
    return product(torch.where(finite, x, 0)).masked_fill(met, torch.nan), False


def subtract_(V: Tensor, B: Tensor, e: Tensor, scale: float, finite: bool) -> Tensor:
    """V - scale B e, written to V where `finite` says that e has no NaN; V and e [T, N], B [T, T]."""
    if finite:
        # In place: neither the product before nor the estimate needs V for its gradient.
        return V.addmm_(B, e, alpha=-scale)
    return V.sub(causal(lambda e: B @ e, B, e)[0], alpha=scale)
