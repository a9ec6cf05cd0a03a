"""Runs of `psubench profile` as a part of a report: whose the time is, launches per step, operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired import setting
from psubench.experiments.paired.columns import UNKNOWN, Row
from psubench.experiments.profile import figures, tables
from psubench.experiments.profile import rows as profile_rows
from psubench.experiments.profile.columns import Show
from psubench.experiments.profile.columns import table as columns_of
from psubench.records.structs import Record
from psubench.render.report import facts
from psubench.render.report.parts import Cell, Drawing, Head, Part, Section, Table

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
    found = [case for run in runs for case in profile_rows.cases(run)]
    about = _about(found, runs)
    profiled = [case for case in found if case["profile"]]
    names, drawings = setting.listed(_labels(profiled)), []
    for kind, figure in figures.figures(found):
        caption = f"{_FIGURES[kind]}, with the profiler on."
        alt = f"{caption} A line of it for each of {names}. The tables hold the numbers."
        drawings.append(Drawing(paired_axes.file_name("profile", kind), caption, alt, figure))
    section = Section(
        title=tables.caption(found),
        says=tuple(tables.verdict_lines(found)),
        drawings=tuple(drawings),
        paper=tuple(drawings),
        tables=tuple(_tables(found, profiled)),
        failed=tuple(tables.notes(found)),
        notes=tuple(tables.meaning(found)),
        facts=about,
    )
    return Part(
        title="Profile",
        headline=f"Profile of {setting.listed(_labels(found))}",
        warnings=(),
        protocol={"cases": f"{len(profiled)} of {len(found)} were profiled"},
        sections=(section,),
        overview=(),
        facts=about,
    )


def _labels(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(case["label"] for case in found)) or [UNKNOWN]


def _tables(found: Sequence[Mapping[str, Any]], profiled: Sequence[Mapping[str, Any]]) -> list[Table]:
    if not profiled:
        return []
    made = [_table(tables.calls(found), Show.CALLS, "profile-calls", "A call of every case")]
    for number, case in enumerate(profiled, 1):
        rows = profile_rows.operators(case)[: tables.MOST_OPERATORS]
        caption = f"{tables.title(case, found)}: the operators that take the most time"
        made.append(_table(rows, Show.OPERATORS, f"profile-operators-{number}", caption))
    return made


def _table(rows: Sequence[Row], where: Show, name: str, caption: str) -> Table:
    made = columns_of(rows, where)
    heads = tuple(
        Head(header, column.right, names_row=column.name in ("label", "name")) for column, header, _ in made
    )
    lines = tuple(
        tuple(
            Cell(texts[number], None if texts[number] == UNKNOWN else row.get(column.name, texts[number]))
            for column, _, texts in made
        )
        for number, row in enumerate(rows)
    )
    return Table(name, caption, heads, lines)


def _about(found: Sequence[Mapping[str, Any]], runs: Sequence[Sequence[Record]]) -> dict[str, str]:
    """Name -> text, for captions."""
    axes = {name: dict.fromkeys(str(c[name]) for c in found if c[name] is not None) for name in _AXES}
    doubted = [case["label"] for case in found if case["status"] == "ok" and case["verified"] is not True]
    return {
        **facts.of_rows(found, runs),
        **{name: ", ".join(texts) for name, texts in axes.items() if texts},
        "data": ", ".join(dict.fromkeys(setting.data(str(case["data"])) for case in found)),
        "weights": ", ".join(dict.fromkeys(setting.fresh_weights(str(case["model"])) for case in found)),
        **({"unverified": ", ".join(dict.fromkeys(doubted))} if doubted else {}),
    }
