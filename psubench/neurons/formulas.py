"""Operations of one neuron, and the sums that their formulas are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Operations:
    """Operations of one neuron over T steps.

    Attributes:
        mac: multiply-accumulates.
        ac: additions.
        ac_per_spike: further additions for every spike that it fires.
        cmp: comparisons.
        nonlin: nonlinear functions, such as σ.
        nonlin_per_spike: further ones for every spike that it fires.
    """

    mac: int = 0
    ac: int = 0
    ac_per_spike: int = 0
    cmp: int = 0
    nonlin: int = 0
    nonlin_per_spike: int = 0


Formula = Callable[[int, Mapping[str, Any]], Operations]


def triangle(T: int) -> int:
    """Entries of a lower triangle with its diagonal."""
    return T * (T + 1) // 2


def band(T: int, k: int) -> int:
    """Entries of a causal band of order k."""
    k = min(k, T)
    return k * T - k * (k - 1) // 2
