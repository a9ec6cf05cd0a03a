"""Runs of `psubench profile` as a part of a report: whose the time is, launches per step, operators."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.paired.rows import fresh_weights
from psubench.experiments.profile import figures, tables
from psubench.experiments.profile.columns import shown
from psubench.experiments.profile.rows import Case, cases
from psubench.records.structs import Record
from psubench.render.axes import file_name, labels_of, values
from psubench.render.grid import Grid
from psubench.render.numbers import UNKNOWN
from psubench.render.report import facts
from psubench.render.report.parts import Drawing, Part, Section, Table, table

_FIGURES = {
    "share": "Share of the time of a call by role",
    "launches": "Launches per time step",
    "timeline": "Memory over the time of a call",
}
_AXES = ("model", "T", "batch", "size", "dtype", "device", "phase", "threads")


def part(runs: Sequence[Sequence[Record]]) -> Part:
    """The part of a report that shows runs of this kind.

    Args:
        runs: the records of each, in order.
    """
    found = [case for run in runs for case in cases(run)]
    facts_of = about(found, runs)
    profiled = [case for case in found if case.profile]
    names, drawings = facts.listed(labels_of(profiled) or [UNKNOWN]), []
    for kind, figure in figures.figures(found):
        caption = f"{_FIGURES[kind]}, with the profiler on."
        alt = f"{caption} A line of it for each of {names}. The tables hold the numbers."
        drawings.append(Drawing(file_name("profile", kind), caption, alt, figure))
    section = Section(
        title=tables.caption(found),
        says=tuple(tables.verdict_lines(found)),
        drawings=tuple(drawings),
        tables=tuple(_tables(found, profiled)),
        failed=tuple(tables.notes(found)),
        notes=tuple(tables.meaning(found)),
        facts=facts_of,
    )
    return Part(
        title="Profile",
        headline=f"Profile of {facts.listed(labels_of(found) or [UNKNOWN])}",
        warnings=(),
        protocol={"cases": f"{len(profiled)} of {len(found)} were profiled"},
        sections=(section,),
        overview=(),
        facts=facts_of,
    )


def _tables(found: Sequence[Case], profiled: Sequence[Case]) -> list[Table]:
    if not profiled:
        return []
    made = [table(Grid("A call of every case", shown("calls"), tables.calls(found)), "profile-calls")]
    for number, case in enumerate(profiled, 1):
        caption = f"{tables.title(case, found)}: the operators that take the most time"
        made.append(table(tables.operators(case, caption), f"profile-operators-{number}"))
    return made


def about(found: Sequence[Case], runs: Sequence[Sequence[Record]]) -> dict[str, str]:
    """Name -> text, for captions."""
    axes = {name: values(found, name) for name in _AXES}
    doubted = [case.label for case in found if case.status == "ok" and case.verified is not True]
    return {
        **facts.of_rows(found, runs),
        **{name: ", ".join(texts) for name, texts in axes.items() if texts},
        "data": ", ".join(dict.fromkeys(facts.data(case.data) for case in found)),
        "weights": ", ".join(dict.fromkeys(fresh_weights(case.model) for case in found)),
        **({"unverified": ", ".join(dict.fromkeys(doubted))} if doubted else {}),
    }
