"""What rounding may do, by dtype."""

from __future__ import annotations

from dataclasses import dataclass

import torch


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
