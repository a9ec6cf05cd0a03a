"""Runs of `psubench energy` as a part of a report: measured joules, which no table mixes with estimates."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.paired import axes, grids, large, setting
from psubench.experiments.paired import tables as paired_tables
from psubench.experiments.paired.columns import Row
from psubench.experiments.paired.verdicts import verdict_lines
from psubench.experiments.speed import rows as speed_rows
from psubench.records.structs import Record
from psubench.render.report.parts import Part, Section

_PHASES = {"train": "training", "infer": "inference"}


def part(runs: Sequence[Sequence[Record]]) -> Part:
    """The part of a report that shows runs of this kind.

    Args:
        runs: the records of each, in order.
    """
    rows = axes.distinct([row for run in runs for row in speed_rows.rows(run)])
    shown = large.settings(rows, large.MOST_SECTIONS)
    return Part(
        title="Measured energy",
        headline=f"Measured energy of {setting.listed(large.names(axes.labels(rows)))}",
        warnings=(*setting.warnings(rows), *setting.left_out(rows)),
        protocol=_protocol(rows),
        sections=tuple(_section(name, some, runs) for name, some in shown.items()),
        overview=(),
        facts=setting.about(rows, runs),
    )


def _section(name: str, rows: Sequence[Row], runs: Sequence[Sequence[Record]]) -> Section:
    tables = []
    for phase in (phase for phase in _PHASES if phase in axes.phases(rows)):
        of_phase = [row for row in rows if row["phase"] == phase]
        caption = (
            f"Measured energy of {_PHASES[phase]}, all cases; ratio above 1: less than {rows[0]['reference']}"
        )
        tables.append(grids.full(of_phase, axes.file_name(f"energy-{phase}", name), caption))
    counters = dict.fromkeys(str(row["counters"]) for row in rows if row["counters"])
    return Section(
        title=setting.title(rows, name),
        says=large.first(verdict_lines(rows)),
        drawings=(),
        paper=(),
        tables=tuple(tables),
        failed=large.first(paired_tables.notes(rows)),
        notes=tuple(setting.remarks(rows)),
        facts={**setting.about(rows, runs), "counters": " / ".join(counters) or "none"},
    )


def _protocol(rows: Sequence[Row]) -> dict[str, str]:
    timed = [row for row in rows if row["status"] == "ok"]
    return {
        "cases": f"{len(timed)} of {len(rows)} have joules",
        "windows": f"{sum(row['windows'] or 0 for row in rows)}, of all neurons in turn",
        "gross": "what the counters say, with the idle machine",
        "net": "gross without what the idle machine uses in that time, measured between the windows",
    }
