"""What rows of any kind have in common: the values of their axes, their neurons, names for their files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

PHASES = {"train": "training", "infer": "inference"}
"""Words for the phases, in the order of tables and figures."""
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
