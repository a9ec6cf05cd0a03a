"""What rounding may do, by dtype, and how a difference beyond it is told."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tolerance:
    """What a dtype's rounding may do over T accumulated steps.

    Attributes:
        perturbation: relative perturbation of the input under which a flip counts as a tie.
        gradient: largest difference of a gradient relative to the largest entry of the
            reference's.
        tied: largest fraction of traces that ties may excuse before the check says nothing.
    """

    perturbation: float
    gradient: float
    tied: float


TOLERANCES = {
    torch.float64: Tolerance(1e-11, 1e-8, 0.01),
    torch.float32: Tolerance(1e-5, 1e-3, 0.01),
    torch.bfloat16: Tolerance(3e-2, 0.25, 0.9),
}


def where_spikes_differ(differs: Tensor, spikes: Tensor, expected: Tensor, name: str) -> str:
    """How many spikes differ on an input, and the first of them."""
    first = tuple(int(i) for i in differs.nonzero()[0])
    return (
        f"{int(differs.sum())} of {differs.numel()} spikes on {name} differ from the reference, first at"
        f" {list(first)} ([t, sample, feature]): {float(spikes[first]):g}, not {float(expected[first]):g}"
    )
