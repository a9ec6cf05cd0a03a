"""Runs of speed and of energy as a sheet: a table per phase, what went wrong, what it says."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.errors import one_line
from psubench.experiments import outputs
from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired.columns import shown
from psubench.experiments.paired.rows import Row
from psubench.experiments.paired.verdicts import beside_anns, verdict_lines
from psubench.experiments.paired.warnings import warnings
from psubench.render.axes import PHASES, phases_of
from psubench.render.column import Column
from psubench.render.grid import Grid, Sheet


def sheet(rows: Sequence[Row], results: Sequence[Column], more: Sequence[str] = ()) -> Sheet:
    """Everything that rows of one kind show.

    Args:
        results: the columns of the kind.
        more: notes that only this kind has.
    """
    rows, notes_of = paired_axes.distinct(rows), [*notes(rows), *more]
    blocks: list[Grid | Sequence[str]] = []
    for title, some in paired_axes.networks(rows).items():
        columns = [column for column in shown(some, results) if column.name != "phase"]
        for phase in phases_of(some):
            of_phase = sorted((row for row in some if row.phase == phase), key=lambda row: row.T)
            heading = ": ".join(filter(None, (title, PHASES[phase])))
            blocks.append(Grid(heading, columns, of_phase, group=lambda row: row.T))
    grid = Grid("", shown(rows, results), rows, lambda row: (row.phase, row.T), one_unit=True)
    said = [*verdict_lines(rows), *beside_anns(rows)]
    return Sheet(caption(rows), [*blocks, notes_of, said], [grid], notes=notes_of)


def caption(rows: Sequence[Row]) -> str:
    """One sentence: everything that is equal in all rows."""
    return ", ".join(f"{header} {text}" for header, text in paired_axes.shared(rows).items())


def _reason(row: Row) -> str | None:
    """Why a case has no numbers, or fewer than were meant; or what must be said of them."""
    if row.status != "ok":
        return f"{row.status}: {one_line(row.message or 'no message')}"
    found = [text for text in (getattr(row, "unread", None), row.said) if text]
    return one_line("; ".join(found)) if found else None


def notes(rows: Sequence[Row]) -> list[str]:
    """Why cases have no numbers, and what must be said of others; equal texts once, with every T."""
    found: dict[tuple[str, ...], list[str]] = {}
    for setting, group in paired_axes.settings(paired_axes.distinct(rows)).items():
        for row, reason in ((row, _reason(row)) for row in group):
            if reason is None:
                continue
            where = f" [{setting}]" if setting else ""
            found.setdefault((row.label, row.phase, where, reason), []).append(str(row.T))
    return [
        f"{label}, {PHASES[phase]} at T = {', '.join(Ts)}{where}: {reason}"
        for (label, phase, where, reason), Ts in found.items()
    ] + [*outputs.lines(rows), *warnings(rows)]
