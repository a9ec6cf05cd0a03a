"""Rows of the runs that a command was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def rows(runs: Sequence[Path]) -> list[dict[str, Any]]:
    """The rows of all runs, one run after the other."""
    from psubench import analyse, record

    return [row for run in runs for row in analyse.rows(record.read(record.locate(run)))]
