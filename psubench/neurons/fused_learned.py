"""The neurons with learned T x T matrices, without the work for the upper triangle.

U = (W ∘ M) x + b by blocks of rows, each of which multiplies only the steps up to its own; the products
with A and B are recurrences of `fused`; the step function and its gradient take one pass. A masked PSN of
order k costs O(kT) up to the order from which its full product is the faster one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from psubench.neurons import fused, lif_matrices, psn, psu
from psubench.neurons.checks import check_shape
from psubench.neurons.products import causal, in_own_precision
from psubench.neurons.table import BAND, ROWS

WEIGHT_ROWS = 64
"""Like ROWS, for the gradient of the weights, whose products are long and narrow."""


def _blocks(T: int, rows: int) -> list[slice]:
    return [slice(first, min(first + rows, T)) for first in range(0, T, rows)]


class _Lower(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(x, W)
        M = W.tril()
        U = torch.empty_like(x)
        for rows in _blocks(len(x), ROWS):
            torch.addmm(b[rows], M[rows, : rows.stop], x[: rows.stop], out=U[rows])
        return U

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, W = ctx.saved_tensors
        (g,) = gradients
        M = W.tril()
        of_x, of_W = None, torch.zeros_like(W)
        if ctx.needs_input_grad[0]:
            of_x = torch.empty_like(x)
            for rows in _blocks(len(x), ROWS):
                torch.mm(M[rows.start :, rows].t(), g[rows.start :], out=of_x[rows])
        for rows in _blocks(len(x), WEIGHT_ROWS):
            torch.mm(g[rows], x[: rows.stop].t(), out=of_W[rows, : rows.stop])
        return of_x, of_W.tril_(), g.sum(1, keepdim=True)


def lower(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """(W ∘ M) x + b for x [T, N], W [T, T], b [T, 1]."""

    def product(x: Tensor) -> Tensor:
        made: Tensor = _Lower.apply(x, W, b)  # type: ignore[no-untyped-call]
        return made

    return causal(product, W, x, ROWS)[0]


@lru_cache(maxsize=64)
def _band_index(T: int, k: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Columns t - j [T, k] of the entries of a band, and whether they exist."""
    with torch.inference_mode(False):
        columns = torch.arange(T, device=device)[:, None] - torch.arange(k, device=device)
        return columns.clamp(min=0), columns >= 0


def band_of(W: Tensor, k: int) -> Tensor:
    """[T, k]: W[t, t-j] at [t, j], 0 where there is no such step."""
    columns, exists = _band_index(len(W), k, W.device)
    return W.gather(1, columns) * exists


class PSN(psn.PSN):
    """S = H(W x + b), W full; the step function and its gradient fused."""

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x, self.T)
        W, b = self.mixing().to(x.dtype), self.bias.to(x.dtype)
        flat = x.flatten(1)
        V = (
            causal(lambda x: torch.addmm(b, W, x), W, flat)[0]
            if self.is_causal()
            else torch.addmm(b, W, flat)
        )
        return fused.fire(V, 0.0, self.alpha).view(x.shape)


class MaskedPSN(PSN, psn.MaskedPSN):
    """PSN that fades to a causal band; at λ = 1 in O(kT)."""

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        if self.lambda_ < 1 or self.k > BAND:
            return super().forward(x)
        check_shape(x, self.T)
        return fused.banded(x, band_of(self.weight, self.k).to(x.dtype), self.bias.to(x.dtype), self.alpha)


class IPSU(psu.IPSU):
    """Input-aware PSU: a triangular product, then the reset as a recurrence."""

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x, self.T)
        flat = x.flatten(1)
        W, b = self.learned(x.dtype)
        if self.estimate != "sigmoid":
            return fused.fire(lower(flat, self.absorbed(W), b), self.threshold, self.alpha).view(x.shape)
        return fused.unrolled(
            lower(flat, W, b), None, leak=0.0, gain=1.0, keep=lif_matrices.decay(self.tau, self.released),
            scale=self.scale, threshold=self.threshold, alpha=self.alpha,
        ).view(x.shape)  # fmt: skip

    def absorbed(self, W: Tensor) -> Tensor:
        """W - scale B, or W - scale B A: a linear estimate of the reset is part of the learned product."""
        A, B = self.matrices(W)
        return W.sub(B @ A if self.estimate == "membrane" else B, alpha=self.scale)


class RPSU(psu.RPSU):
    """Reset-aware PSU: a triangular product for the estimate, the leak and the reset as recurrences."""

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x, self.T)
        flat = x.flatten(1)
        keep = lif_matrices.decay(self.tau, self.released)
        return fused.unrolled(
            flat, lower(flat, *self.learned(x.dtype)), leak=keep, gain=1 / self.tau, keep=keep,
            scale=self.scale, threshold=self.threshold, alpha=self.alpha,
        ).view(x.shape)  # fmt: skip
