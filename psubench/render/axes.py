"""What rows of any kind have in common: the values of their axes, their neurons, names for their files."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")

PHASES = {"train": "training", "infer": "inference"}
"""Words for the phases, in the order of tables and figures."""
MOST_SERIES = 6
"""Lines, or bars of a group, that are told apart in one panel."""
_NAMED = re.compile(r"\b(model|data)=")
"""Axes whose values say what they are."""


def file_name(start: str, setting: str) -> str:
    """A name for a file about one setting, the same on every system: `ratio-batch32-size512`."""
    return re.sub(r"[^\w.-]+", "-", f"{start} {_NAMED.sub('', setting)}".replace("=", "").strip()).strip("-")


def values(rows: Sequence[Any], name: str) -> list[str]:
    """The values of a field that are known, as texts in their order, each once."""
    return list(dict.fromkeys(str(value) for row in rows if (value := getattr(row, name)) is not None))


def phases_of(rows: Sequence[Any]) -> list[str]:
    """The phases of rows, in their order."""
    return values(rows, "phase")


def labels_of(rows: Sequence[Any]) -> list[str]:
    """The neurons of rows by label, in their order."""
    return values(rows, "label")


def in_panels(series: Sequence[T]) -> list[Sequence[T]]:
    """The series of each panel: at most `MOST_SERIES`, and about as many in every panel."""
    count = math.ceil(len(series) / MOST_SERIES) or 1
    size = math.ceil(len(series) / count)
    return [series[start : start + size] for start in range(0, count * size, size)] if size else [series]
