"""Activations of artificial neural networks (ANN), beside which spiking neurons are measured.

They have no state, so that a network of them knows no time: whatever T a case has, it is run once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from psubench.neurons.checks import check_parameters, check_shape
from psubench.neurons.multilevel import count


class ReLU(nn.Module):
    """y = max(x, 0)."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Values from 0 on, of the shape of x [T, B, *features]."""
        check_shape(x)
        return torch.relu(x)


class QuantReLU(nn.Module):
    """y = round(clip(x/Vth, 0, levels - 1)): what `ilif` gives in one step. Gradient 1/Vth inside, else 0.

    Args:
        levels: values that it can give, from 2 on.
        threshold: Vth > 0, the distance of two levels.
    """

    def __init__(self, *, levels: int, threshold: float) -> None:
        super().__init__()
        check_parameters(levels=levels, threshold=threshold)
        self.levels, self.threshold = levels, threshold

    def forward(self, x: Tensor) -> Tensor:
        """Levels 0..levels-1, of the shape of x [T, B, *features]."""
        check_shape(x)
        return count(x / self.threshold, self.levels - 1)
