"""The ranges of numbers in a record, and how a case ends. What is computed from them stays finite."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import Meta

_MOST = 2**63 - 1
_LARGEST = 1e30
"""No time and no energy is larger."""

Integer = Annotated[int, Meta(ge=-_MOST, le=_MOST)]
Count = Annotated[int, Meta(ge=0, le=_MOST)]
Positive = Annotated[int, Meta(ge=1, le=_MOST)]
Number = Annotated[float, Meta(gt=-_LARGEST, lt=_LARGEST)]
Amount = Annotated[float, Meta(ge=0, lt=_LARGEST)]
AboveZero = Annotated[float, Meta(gt=0, lt=_LARGEST)]
Tally = Count | Amount
"""An integer if every event was counted, otherwise a number with a fraction; neither is converted."""

Status = Literal["ok", "wrong", "unsupported", "failed", "oom", "timeout", "skipped", "interrupted"]
Output = Literal["spikes", "counts", "ternary", "levels", "analog"]
"""What a neuron gives: 0 and 1, whole numbers from 0 on, -1 to 1, quantised values, or anything else."""
NO_SPIKES = ("levels", "analog")
"""Outputs that have no firing rate."""
STATUSES: tuple[str, ...] = get_args(Status)
