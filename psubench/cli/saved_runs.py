"""The contents of the runs that a command was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from psubench.experiments.registry import Experiment


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
