"""THE list of kinds of runs that a report shows: a function for each, from the records of runs to a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from psubench.errors import PsubenchError, nearest
from psubench.render.report import facts, speed
from psubench.render.report.parts import Part

Run = Sequence[Mapping[str, Any]]
KINDS: Mapping[str, Callable[[Sequence[Run]], Part]] = {"speed": speed.part}


def parts(runs: Sequence[Run]) -> list[Part]:
    """A part per kind, in the order of the runs.

    Raises:
        PsubenchError: a run is of a kind that has no part, or holds no case.
    """
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(_kind(run), []).append(run)
    return [KINDS[kind](some) for kind, some in found.items()]


def _kind(run: Run) -> str:
    for header in facts.headers(run):
        for case in header["cases"]:
            kind = str(case["case"]["kind"])
            if kind not in KINDS:
                raise PsubenchError(f'run {facts.name(run)} is of kind "{kind}"', nearest(kind, KINDS))
            return kind
    raise PsubenchError(f"run {facts.name(run)} planned no case", "give a run that measured something")
