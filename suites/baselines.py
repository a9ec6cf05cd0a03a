"""The loops that published speed-ups were measured against: LIF, equal to `lif`, as such code writes it.

`x[t]` gives every step a gradient as large as the whole input, so that the backward pass grows with T². So
does writing to a preallocated `o[:, t]`. `lif` itself, which unbinds its input once, is the honest loop.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from psubench import neurons
from psubench.neurons.surrogate import heaviside


class _Loop(nn.Module):
    """LIF with τ = 2, Vth = 1, decayed input and a soft reset that is detached."""

    causal = True

    @staticmethod
    def reference(*, T: int) -> nn.Module | None:
        """The float64 twin of `lif`."""
        return neurons.build_reference(neurons.parse("lif"), T)

    def advance(self, x_t: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Spikes and potential [B, *features] after a step."""
        h = v + (x_t - v) / 2
        s = heaviside(h, 1.0, 2.0)
        return s, h - s.detach()


class Indexed(_Loop):
    """`for t in range(T)` over `x[t]`."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        v, spikes = torch.zeros_like(x[0]), []
        for t in range(x.shape[0]):
            s, v = self.advance(x[t], v)
            spikes.append(s)
        return torch.stack(spikes)


class Preallocated(_Loop):
    """The batch first; each step is written in place to `o[:, t]`."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        x = x.transpose(0, 1)
        v, o = torch.zeros_like(x[:, 0]), torch.zeros_like(x)
        for t in range(x.shape[1]):
            o[:, t], v = self.advance(x[:, t], v)
        return o.transpose(0, 1)
