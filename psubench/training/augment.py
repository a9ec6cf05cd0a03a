"""Random changes of training samples, [T, B, *] -> the same shape; one draw per sample."""

from __future__ import annotations

import torch
from torch import Tensor

from psubench.errors import PsubenchError
from psubench.training.recipe import Augment


def check(augment: Augment, step_shape: tuple[int, ...], data: str) -> None:
    """Raises PsubenchError if the steps are not images and the recipe treats them as such."""
    if (augment.flip or augment.shift) and len(step_shape) != 3:
        raise PsubenchError(
            f"flip and shift need steps of shape [C,H,W], {data} has {list(step_shape)}",
            "remove them from [augment]",
        )


def augmented(x: Tensor, augment: Augment) -> Tensor:
    """The samples of x [T, B, *], changed as the recipe says, by draws from torch's default generator."""
    B = x.shape[1]
    if augment.time_shift:
        x = moved(x, 0, _draws(B, augment.time_shift, x), wraps=False)
    if augment.shift:
        for axis in (3, 4):
            x = moved(x, axis, _draws(B, augment.shift, x), wraps=True)
    if augment.flip:
        x = flipped(x, torch.rand(B, device=x.device) < 0.5)
    if augment.drop:
        x = x * (torch.rand_like(x) >= augment.drop)
    return x


def _draws(count: int, most: int, x: Tensor) -> Tensor:
    """Integers from -most to most, one per sample."""
    return torch.randint(-most, most + 1, (count,), device=x.device)


def moved(x: Tensor, axis: int, by: Tensor, *, wraps: bool) -> Tensor:
    """x [T, B, *] with sample b moved by by[b] places along an axis.

    Args:
        axis: any but 1, the samples.
        by: int64 [B].
        wraps: whether values that leave at one end enter at the other; otherwise zeros enter.
    """
    length = x.shape[axis]
    source = torch.arange(length, device=x.device)[:, None] - by  # [length, B]
    shape = [1] * x.dim()
    shape[axis], shape[1] = length, x.shape[1]
    ordered = source if axis == 0 else source.T
    index = (ordered % length).reshape(shape).expand_as(x)
    taken = x.gather(axis, index)
    if wraps:
        return taken
    inside = ((ordered >= 0) & (ordered < length)).reshape(shape)
    return taken * inside


def flipped(x: Tensor, which: Tensor) -> Tensor:
    """x [T, B, ..., W] with the samples of `which`, bool [B], mirrored along W."""
    shape = [1] * x.dim()
    shape[1] = -1
    return torch.where(which.reshape(shape), x.flip(-1), x)
