"""The contents of the runs that a command was given."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from psubench.experiments.experiment import Experiment


REPORTS = Path("reports")
"""Where runs are kept that were not given a folder."""


def saved() -> list[Path]:
    """The folders of the runs below `REPORTS`, the latest first."""
    from psubench.records import jsonl

    found = [
        (path.stat().st_mtime, path.parent) for path in REPORTS.glob(f"*/{jsonl.NAME}") if path.is_file()
    ]
    return [folder for _, folder in sorted(found, reverse=True)]


def or_latest(runs: Sequence[Path] | None) -> list[Path]:
    """The runs that were given, or else the latest one, which is said.

    Raises:
        PsubenchError: there is none.
    """
    if runs:
        return list(runs)
    latest = next(iter(saved()), None)
    if latest is None:
        raise PsubenchError(
            f"{REPORTS}/ holds no run", "name the folder of a run, or make one with psubench speed"
        )
    print(f"the latest run: {latest}", file=sys.stderr)
    return [latest]


def runs_by_kind(runs: Sequence[Path]) -> list[tuple[Experiment, list[Any]]]:
    """The kinds of the runs, and the contents of those of each, in the given order."""
    from psubench.experiments.registry import KINDS, kind_of
    from psubench.records import jsonl

    found: dict[str, list[Any]] = {}
    for run in runs:
        records = jsonl.read(jsonl.locate(run))
        found.setdefault(kind_of(records).name, []).append(records)
    return [(KINDS[name], KINDS[name].of(of_kind)) for name, of_kind in found.items()]


def one_kind(runs: Sequence[Path]) -> tuple[Experiment, list[Any]]:
    """The kind of all runs, and their contents.

    Raises:
        PsubenchError: they are of several kinds, whose columns differ.
    """
    found = runs_by_kind(runs)
    if len(found) > 1:
        names = " and of ".join(kind.name for kind, _ in found)
        raise PsubenchError(f"these are runs of {names}", "give runs of one kind")
    return found[0]
