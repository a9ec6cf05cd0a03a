"""The losses that a training minimises."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from psubench.errors import PsubenchError
from psubench.training.recipe import Recipe


class PerStep(nn.Module):
    """A network that returns its outputs at every step, [T, B, *] -> [T, B, classes].

    Raises:
        PsubenchError: the network returns only the mean over the steps.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        if not callable(getattr(network, "per_step", None)):
            raise PsubenchError(
                'loss "tet" needs the output of every step, and this network has no per_step',
                "train it with another loss, or give the plug-in a method per_step: [T,B,*] -> [T,B,classes]",
            )
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of the last layer at every step."""
        return cast(Tensor, self.network.per_step(x))  # type: ignore[operator]


def loss_sum(out: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """The loss, summed over samples and in float32; one sample's loss is the mean over its outputs.

    Args:
        out: [B, classes], or [T, B, classes] for "tet".
        labels: int64 [B].
    """
    out = out.float()
    if recipe.loss == "cross-entropy":
        return functional.cross_entropy(out, labels, label_smoothing=recipe.label_smoothing, reduction="sum")
    if recipe.loss == "mse":
        target = functional.one_hot(labels, out.shape[-1]).to(out.dtype)
        return (out - target).square().mean(-1).sum()
    return _tet(out, labels, recipe)


def _tet(out: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """(1 - λ) mean_t CE(O[t], y) + λ mean_t MSE(O[t], 1) (arXiv:2202.11946, eqs. 9, 11, 12; φ = 1)."""
    T = out.shape[0]
    every = labels.expand(T, -1).flatten()
    entropy = functional.cross_entropy(
        out.flatten(0, 1), every, label_smoothing=recipe.label_smoothing, reduction="sum"
    )
    error = (out - 1).square().mean(-1).sum()
    return ((1 - recipe.tet_weight) * entropy + recipe.tet_weight * error) / T
