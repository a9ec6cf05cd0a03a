"""Rows of the runs that a command was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psubench.errors import PsubenchError


def rows(runs: Sequence[Path]) -> list[dict[str, Any]]:
    """The rows of all runs, one run after the other."""
    from psubench import analyse, record

    found = [row for run in runs for row in analyse.rows(record.read(record.locate(run)))]
    kinds = sorted({row["kind"] for row in found})
    if len(kinds) > 1:
        raise PsubenchError(
            f"the runs are of several kinds: {', '.join(kinds)}", "show, plot or export each kind by itself"
        )
    return found
