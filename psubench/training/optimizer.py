"""The optimizer and the schedule of its learning rate, both of torch."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, OneCycleLR

from psubench.training.recipe import Recipe


def optimizer_of(network: nn.Module, recipe: Recipe) -> Optimizer:
    """The recipe's optimizer over every parameter, those of the neurons included."""
    if recipe.optimizer == "sgd":
        return SGD(
            network.parameters(), lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )
    return AdamW(network.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)


def schedule_of(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """The recipe's schedule.

    Args:
        steps: of the optimizer in the whole training.
    """
    if recipe.schedule == "one-cycle":
        return OneCycleLR(optimizer, max_lr=recipe.lr, total_steps=max(steps, 2))
    if recipe.schedule == "cosine":
        return CosineAnnealingLR(optimizer, T_max=steps)
    return ConstantLR(optimizer, factor=1.0)
