"""What the runs hold that a command was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psubench.errors import PsubenchError


def runs_by_kind(runs: Sequence[Path]) -> dict[str, list[Any]]:
    """Rows of `speed` and cases of `profile`, one run after the other; kinds without runs are left out."""
    from psubench import analyse, profiles, record

    found: dict[str, list[Any]] = {}
    for run in runs:
        records = record.read(record.locate(run))
        profile = any(case["case"]["kind"] == "profile" for case in records[0]["cases"])
        kind, read = ("profile", profiles.cases) if profile else ("speed", analyse.rows)
        found.setdefault(kind, []).extend(read(records))
    return found


def one_kind(runs: Sequence[Path]) -> tuple[str, list[Any]]:
    """The kind of all runs, and what they hold.

    Raises:
        PsubenchError: they are of several kinds, whose columns differ.
    """
    found = runs_by_kind(runs)
    if len(found) > 1:
        raise PsubenchError(f"these are runs of {' and of '.join(found)}", "give runs of one kind")
    return next(iter(found.items()))
