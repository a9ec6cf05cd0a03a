"""Runs of any kinds to the parts of one report."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.errors import PsubenchError
from psubench.experiments.registry import KINDS
from psubench.records.run import kind_of_case
from psubench.records.structs import Record
from psubench.render.report import facts
from psubench.render.report.parts import Part

Records = Sequence[Record]


def parts(runs: Sequence[Records]) -> list[Part]:
    """A part per kind, in the order of the runs.

    Raises:
        PsubenchError: a run holds no case.
    """
    found: dict[str, list[Records]] = {}
    for run in runs:
        found.setdefault(_kind(run), []).append(run)
    return [KINDS[kind].part(some) for kind, some in found.items()]


def _kind(run: Records) -> str:
    for header in facts.headers(run):
        for planned in header.cases:
            return kind_of_case(planned.case)
    raise PsubenchError(f"run {facts.name(run)} planned no case", "give a run that measured something")
