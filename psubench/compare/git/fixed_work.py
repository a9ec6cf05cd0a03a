"""Fixed work that two revisions are both measured against, as plug-in neurons.

A ratio to the LIF neuron cannot show that LIF itself has changed. `psubench compare --git` copies this
one file beside both revisions and takes a neuron of it as the reference, so every neuron of theirs, LIF
included, is divided by the same work. It imports nothing of psubench.

There are two, because a yardstick should take as long as its neurons: all neurons of a block are called
equally often per sample, and as often as makes the fastest's sample last a millisecond. A faster one makes
the samples of the others longer, and long samples are disturbed more often; a slower one takes their time.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Loop(nn.Module):
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


class Products(nn.Module):
    """A relu(A relu(A x)) for x [T, B, *features], A[t,i] = 2^(i-t-1) for i <= t; gives potentials."""

    A: Tensor

    def __init__(self, T: int) -> None:
        super().__init__()
        steps = torch.arange(T, dtype=torch.float32)
        self.register_buffer("A", torch.exp2(steps[None] - steps[:, None] - 1).tril())

    def forward(self, x: Tensor) -> Tensor:
        """The potentials, shape of x."""
        inner = torch.relu(self.A @ torch.relu(self.A @ x.flatten(1)))
        potentials: Tensor = self.A @ inner
        return potentials.view_as(x)
