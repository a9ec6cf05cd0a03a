"""Runs of any kinds to the parts of one report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psubench.errors import PsubenchError, nearest
from psubench.render.kinds import KINDS
from psubench.render.report import facts
from psubench.render.report.parts import Part

Run = Sequence[Mapping[str, Any]]


def parts(runs: Sequence[Run]) -> list[Part]:
    """A part per kind, in the order of the runs.

    Raises:
        PsubenchError: a run is of an unknown kind, or holds no case.
    """
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(_kind(run), []).append(run)
    return [KINDS[kind].part(some) for kind, some in found.items()]


def _kind(run: Run) -> str:
    for header in facts.headers(run):
        for case in header["cases"]:
            kind = str(case["case"]["kind"])
            if kind not in KINDS:
                raise PsubenchError(f'run {facts.name(run)} is of kind "{kind}"', nearest(kind, KINDS))
            return kind
    raise PsubenchError(f"run {facts.name(run)} planned no case", "give a run that measured something")
