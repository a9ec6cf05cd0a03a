"""A fixed piece of work that two revisions are both measured against, as a plug-in neuron.

A ratio to the LIF neuron cannot show that LIF itself has changed. `psubench compare --git` copies this
one file beside both revisions and takes it as the reference, so every neuron of theirs, LIF included, is
divided by the same work. It imports nothing of psubench. It is no neuron: it integrates and never fires.
A change here makes baselines that were measured with it worthless; a test holds its digest.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Yardstick(nn.Module):
    """v[t] = (v[t-1] + x[t]) / 2 for x [T, B, *features], step by step, as a serial neuron works."""

    def __init__(self, T: int) -> None:  # noqa: ARG002  # how plug-ins are called
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """The potentials, shape of x."""
        v, potentials = torch.zeros_like(x[0]), []
        for x_t in x.unbind(0):
            v = torch.lerp(v, x_t, 0.5)
            potentials.append(v)
        return torch.stack(potentials)
