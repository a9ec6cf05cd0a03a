"""A fixed piece of work that two revisions are both measured against, as a plug-in neuron.

A ratio to the LIF neuron cannot show that LIF itself has changed. `psubench compare --git` copies this
one file beside both revisions and takes it as the reference, so every neuron of theirs, LIF included, is
divided by the same work. It imports nothing of psubench. It works as long per step as a serial neuron:
a faster one would make the samples of the others longer, and long samples are disturbed more often.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Yardstick(nn.Module):
    """v[t] = (u[t-1] + x[t]) / 2, u = v - [v >= 1] for x [T, B, *features]; gives v, not the spikes."""

    def __init__(self, T: int) -> None:  # noqa: ARG002  # how plug-ins are called
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """The potentials, shape of x."""
        u, potentials = torch.zeros_like(x[0]), []
        for x_t in x.unbind(0):
            v = torch.lerp(u, x_t, 0.5)
            u = v - (v >= 1).to(v.dtype)
            potentials.append(v)
        return torch.stack(potentials)
