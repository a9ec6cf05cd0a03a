"""Runs of `psubench energy` as a part of a report: measured joules, which no table mixes with estimates."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.energy import rows as energy_rows
from psubench.experiments.energy.columns import COLUMNS, coarse
from psubench.experiments.energy.rows import EnergyRow
from psubench.experiments.paired import axes, grids, large, setting
from psubench.experiments.paired import tables as paired_tables
from psubench.experiments.paired.verdicts import verdict_lines
from psubench.records.structs import Record
from psubench.render.axes import PHASES, file_name, labels_of, phases_of
from psubench.render.report import facts
from psubench.render.report.parts import Part, Section


def part(runs: Sequence[Sequence[Record]]) -> Part:
    """The part of a report that shows runs of this kind.

    Args:
        runs: the records of each, in order.
    """
    rows = axes.distinct([row for run in runs for row in energy_rows.rows(run)])
    shown = large.settings(rows, large.MOST_SECTIONS)
    return Part(
        title="Measured energy",
        headline=f"Measured energy of {facts.listed(large.names(labels_of(rows)))}",
        warnings=(*setting.warnings(rows), *setting.left_out(rows)),
        protocol=_protocol(rows),
        sections=tuple(_section(name, some, runs) for name, some in shown.items()),
        overview=(),
        facts=setting.about(rows, runs),
    )


def _section(name: str, rows: Sequence[EnergyRow], runs: Sequence[Sequence[Record]]) -> Section:
    tables = []
    for phase in (phase for phase in PHASES if phase in phases_of(rows)):
        of_phase = [row for row in rows if row.phase == phase]
        what = f"Measured energy of {PHASES[phase]}, all cases"
        caption = f"{what}; ratio above 1: less than {rows[0].reference}"
        tables.append(grids.full(of_phase, COLUMNS, file_name(f"energy-{phase}", name), caption))
    counters = dict.fromkeys(str(row.counters) for row in rows if row.counters)
    return Section(
        title=setting.title(rows, name),
        says=large.first(verdict_lines(rows)),
        drawings=(),
        tables=tuple(tables),
        failed=large.first([*paired_tables.notes(rows), *coarse(rows)]),
        notes=tuple(setting.remarks(rows)),
        facts={**setting.about(rows, runs), "counters": " / ".join(counters) or "none"},
    )


def _protocol(rows: Sequence[EnergyRow]) -> dict[str, str]:
    timed = [row for row in rows if row.status == "ok"]
    return {
        "cases": f"{len(timed)} of {len(rows)} have joules",
        "windows": f"{sum(row.windows or 0 for row in rows)}, of all neurons in turn",
        "gross": "what the counters say, with the idle machine",
        "net": "gross without what the idle machine uses in that time, measured between the windows",
    }
