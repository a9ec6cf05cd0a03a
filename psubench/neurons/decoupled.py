"""LIF whose reset is computed separately from its gradient: everything with a gradient is one convolution.

V = U - d with U = A x, and d[t+1] = β (d[t] + Vth s[t]), s = H(V - Vth), the only serial part, without a
gradient (arXiv:2410.03530). Spikes are those of the soft reset, the gradient is that of detach_reset.
"""

from __future__ import annotations

import torch
from torch import Tensor

from psubench.errors import UnsupportedError
from psubench.neurons import lif_matrices, products, serial
from psubench.neurons.checks import check_shape
from psubench.neurons.convolution import causal
from psubench.neurons.spec import LONG
from psubench.neurons.surrogate import heaviside


def resets(U: Tensor, keep: float, threshold: float) -> Tensor:
    """d for the potentials without a reset, both [T, N]; no gradient passes."""
    with torch.no_grad():
        d = torch.zeros_like(U[0])
        found = []
        for u in U.detach().unbind(0):
            found.append(d)
            s = torch.ge(u - d, threshold, out=torch.empty_like(u))
            d = torch.add(d, s, alpha=threshold).mul_(keep)
        return torch.stack(found)


class LIF(serial.LIF):
    """Leaky integrate and fire, its reset decoupled.

    Errors: UnsupportedError for a hard reset, or one that passes gradient.
    """

    def __init__(
        self, *, tau: float, decay_input: bool, threshold: float, alpha: float, reset: str, detach_reset: bool
    ) -> None:
        super().__init__(
            tau=tau, decay_input=decay_input,
            threshold=threshold, alpha=alpha, reset=reset, detach_reset=detach_reset,
        )  # fmt: skip
        if reset != "soft" or not detach_reset:
            raise UnsupportedError(
                "lif@decoupled supports only a soft reset without a gradient",
                "give reset=soft and detach_reset=true, or another implementation",
            )

    @products.in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        T, keep, flat = x.shape[0], 1 - 1 / self.tau, x.flatten(1)
        if T < LONG:
            A = lif_matrices.leak(T, self.tau, False, x.dtype, x.device)
            U, _ = products.causal(lambda x: A @ x, A, flat)
        else:
            powers = keep ** torch.arange(T, device=x.device, dtype=torch.float64)
            U = causal(flat, powers / self.tau).to(x.dtype)
        if not self.decay_input:
            U = U * self.tau
        return heaviside(U - resets(U, keep, self.threshold), self.threshold, self.alpha).view(x.shape)
