"""A neuron of one's own: LIF whose threshold rises with every spike and falls back (ALIF).

    h[t] = v[t-1] + (x[t] - v[t-1]) / tau
    s[t] = H(h[t] - 1 - strength a[t-1])
    v[t] = h[t] - s[t]
    a[t] = decay a[t-1] + s[t]

after Bellec et al. 2018, arXiv:1803.09574, here with a soft reset. Neither reset nor adaptation passes
a gradient. `AdaptiveLIF` is what is measured; `Truth` says the same slowly, in float64, and psubench times
nothing that disagrees with it. Parameters come from the command line:

    $ psubench speed --neurons "lif,examples/neuron.py:AdaptiveLIF(strength=0.5)" --T 16 --batch 8 --size 64 --phase train --processes 1 --max-seconds 0.2
    $ psubench sparsity --model "mlp(width=0.25)" --neurons lif,examples/neuron.py:AdaptiveLIF --T 16 --samples 16
"""  # noqa: E501

import math

import torch
from torch import nn

from psubench.neurons.surrogate import heaviside


class Truth(nn.Module):
    """The four equations, one line each; called as the neuron is, with parameters of the same names."""

    def __init__(self, *, T, tau=2.0, strength=0.2, decay=0.9):
        super().__init__()
        self.tau, self.strength, self.decay = tau, strength, decay

    def forward(self, x):
        """Spikes [T, B, *] for input current [T, B, *]."""
        v = a = torch.zeros_like(x[0], dtype=torch.float64)
        spikes = []
        for now in x.double():
            h = v + (now - v) / self.tau
            z = h - 1 - self.strength * a
            soft = torch.atan(math.pi * z) / math.pi  # of slope 1 / (1 + (pi z)^2), the surrogate gradient
            s = (z >= 0).double() + (soft - soft.detach())
            v = h - s.detach()
            a = self.decay * a + s.detach()
            spikes.append(s)
        return torch.stack(spikes)


def operations(*, T, tau=2.0, strength=0.2, decay=0.9):
    """Of one neuron over T steps: two leaky sums and the threshold's product, a subtraction per spike."""
    return {"mac": 3 * T, "ac_per_spike": 2, "cmp": T}


class AdaptiveLIF(nn.Module):
    """The same, with the surrogate applied once to all steps instead of step by step."""

    reference = Truth
    operations = staticmethod(operations)
    causal = True

    def __init__(self, *, T, tau=2.0, strength=0.2, decay=0.9):
        super().__init__()
        self.rate, self.strength, self.decay = 1 / tau, strength, decay

    def forward(self, x):
        """Spikes [T, B, *] for input current [T, B, *]."""
        v = a = torch.zeros_like(x[0])
        above = []
        for now in x.unbind(0):
            h = torch.lerp(v, now, self.rate)
            z = torch.sub(h - 1, a, alpha=self.strength)
            s = (z.detach() >= 0).to(x.dtype)
            v = h - s
            a = torch.add(s, a, alpha=self.decay)
            above.append(z)
        return heaviside(torch.stack(above), 0.0, 2.0)

    def step(self, x_t, state):
        """One step, for networks that run step by step: spikes [B, *] and the state for the next."""
        v, a = (torch.zeros_like(x_t), torch.zeros_like(x_t)) if state is None else state
        h = torch.lerp(v, x_t, self.rate)
        s = heaviside(torch.sub(h - 1, a, alpha=self.strength), 0.0, 2.0)
        return s, (h - s.detach(), torch.add(s.detach(), a, alpha=self.decay))
