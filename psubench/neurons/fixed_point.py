"""Fixed-point parallel training: LIF's reset by a few passes over all steps instead of step by step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from psubench.neurons import lif_matrices
from psubench.neurons.checks import check_parameters, check_shape
from psubench.neurons.products import causal, in_own_precision
from psubench.neurons.surrogate import fire


def passes(
    U: Tensor, B: Tensor, *, threshold: float, K: int, alpha: float, hard: bool, finite: bool = True
) -> Tensor:
    """s_0 = sig(U - Vth); s_k = sig(U - Vth B s_{k-1} - Vth) for k = 1..K, H instead of the last sig.

    Args:
        U: A x, [T, N].
        B: [T, T], for a threshold of 1.
        alpha: sig(z) = σ(α z).
        hard: H instead of every sig.
        finite: whether U has no NaN; a product with B would carry it to earlier steps.
    """
    z = U - threshold
    for _ in range(K):
        s = fire(z, "logistic", alpha) if hard else torch.sigmoid(alpha * z)
        if finite:
            z = torch.addmm(U, B, s, alpha=-threshold) - threshold
        else:
            z = U - threshold * causal(lambda s: B @ s, B, s)[0] - threshold
    return fire(z, "logistic", alpha)


class FPT(nn.Module):
    """LIF with a soft reset as the fixed point of V = A x - B s, s = H(V - Vth), approached in K passes.

    It tends to `lif`: with hard=true it equals it after at most T passes; how many spikes differ is shown
    wherever it is measured. The slopes α_k of the paper are one α here, 4 (arXiv:2506.12087).

    Args:
        K: passes after the first, which gives s_0; from 0 on.
        hard: whether every pass spikes, or only the last one.
        tau: membrane time constant in steps, > 1.
        decay_input: whether the input decays, as for `lif`.
        threshold: Vth > 0.
        alpha: steepness of the logistic function, and of the surrogate.
    """

    def __init__(
        self, *, K: int, hard: bool, tau: float, decay_input: bool, threshold: float, alpha: float
    ) -> None:
        super().__init__()
        check_parameters(
            K=K, hard=hard, tau=tau, decay_input=decay_input, threshold=threshold, alpha=alpha
        )  # fmt: skip
        self.K, self.hard, self.tau, self.decay_input = K, hard, tau, decay_input
        self.threshold, self.alpha = threshold, alpha

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        key = (x.shape[0], self.tau, False, x.dtype, x.device)
        A = lif_matrices.leak(*key)
        U, finite = causal(lambda x: A @ x, A, x.flatten(1))
        if not self.decay_input:
            U = U * self.tau
        B = lif_matrices.reset(*key)
        return passes(
            U, B, threshold=self.threshold, K=self.K, alpha=self.alpha, hard=self.hard, finite=finite
        ).view(x.shape)  # fmt: skip
