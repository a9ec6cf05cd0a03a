"""A history as one page that needs nothing beside it: what changed where, figures and numbers per neuron."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from psubench.compare.history import HistoryRow
from psubench.errors import one_line
from psubench.render import comparison
from psubench.render import history as terminal
from psubench.render.axes import PHASES, file_name, labels_of
from psubench.render.column import Column, Tone, plain
from psubench.render.figures import history as figures
from psubench.render.grid import Grid
from psubench.render.numbers import UNKNOWN, count, ratio
from psubench.render.report import page
from psubench.render.report.parts import Drawing, Part, Section, Table, table

NAME = "index.html"
_SETTING = ("model", "data", "batch", "size", "dtype", "mode", "threads", "reference")
_RULES = {
    "work": "operators, Python code, memory, values, libraries, settings and results of a call, counted "
    "without a clock; identical: all of it is equal",
    "time": "verdicts of psubench compare on neighbours, each pair at a level of 1 %; bars: 95 % interval",
    "machines": "records of different kinds of machine share no line and are never compared",
    "marks": figures.MARKS,
}


class Places(NamedTuple):
    """What a history is of: `commit` or `run`, and the columns of its overview."""

    word: str
    columns: Sequence[Column]


COMMITS = Places("commit", terminal.COMMITS)
RUNS = Places("run", terminal.RUNS)


def render(rows: Sequence[HistoryRow], places: Places, command: Sequence[str]) -> str:
    """The page; the same rows give the same text.

    Args:
        command: arguments of the command that has made it.
    """
    lines = terminal.lines(rows)
    return page.filled(
        "history.html.jinja",
        [_part(rows, lines, places)],
        keys=[("history", [terminal.caption(lines, f"{places.word}s")], False)],
        command=shlex.join(["psubench", *command]),
    )


def _part(rows: Sequence[HistoryRow], lines: Sequence[terminal.Line], places: Places) -> Part:
    names = list(dict.fromkeys(row.label for row in rows if row.label))
    overview = {
        grid.title: table(grid, f"overview-{number}")
        for number, grid in enumerate(terminal.grids(lines, places.columns))
    }
    shown = [
        _section(title, [overview.pop(machine)] if machine in overview else [], of_setting, rows, places)
        for (machine, title), of_setting in _settings(rows).items()
    ]
    return Part(
        title="History",
        headline=f"History of {', '.join(names[:6])}{', …' if len(names) > 6 else ''}",
        warnings=(),
        protocol=_RULES,
        sections=tuple(shown),
        overview=(),
        facts={},
    )


def _settings(rows: Sequence[HistoryRow]) -> dict[tuple[str, str], list[HistoryRow]]:
    """Rows by kind of machine and setting."""
    found: dict[tuple[str, str], list[HistoryRow]] = {}
    for row in rows:
        if row.label is not None:
            values = [(name, getattr(row, name)) for name in _SETTING]
            words = ", ".join(f"{name} {value}" for name, value in values if value is not None)
            found.setdefault((row.machine, words), []).append(row)
    return found


def _section(
    title: str,
    overview: Sequence[Table],
    rows: Sequence[HistoryRow],
    every: Sequence[HistoryRow],
    places: Places,
) -> Section:
    """One kind of machine and setting; the first of a machine has its overview."""
    machine = rows[0].machine
    here = [row for row in every if row.machine == machine]
    axis = {row.at: _place(row, places) for row in here}
    drawings = []
    for label in labels_of(rows):
        of_neuron = [row for row in rows if row.label == label]
        figure = figures.figure(of_neuron, list(axis.items()))
        if figure is not None:
            told = dict.fromkeys(f"{axis[row.at]} {row.verdict}" for row in of_neuron if row.marked)
            alt = f"{label} over {places.word}s. Changed: {', '.join(told) or 'nothing'}."
            name = file_name(f"{label} {machine}", title)
            drawings.append(Drawing(name, f"{label}: {figures.MARKS}", alt, figure))
    caption = f"Every case, and what has changed since the {places.word} before"
    shown = [column for column in _COLUMNS if column.known(rows)]
    silent = [*rows, *(row for row in here if row.label is None)] if overview else rows
    return Section(
        title=title,
        says=(),
        drawings=tuple(drawings),
        tables=(*overview, table(Grid(caption, shown, rows), file_name(f"cases {machine}", title))),
        failed=tuple(
            f"{axis[row.at]}: {one_line(row.reason or row.verdict)}"
            for row in silent
            if row.verdict in ("failed", "not counted")
        ),
        notes=(),
        facts={"on": machine},
    )


def _place(row: HistoryRow, places: Places) -> str:
    """A place on an axis: the beginning of a hash, or a date."""
    return row.at[:8] if places.word == "commit" else (row.date or row.title)[:16].replace("T", " ")


def _ratio(row: HistoryRow) -> str:
    return UNKNOWN if row.ratio is None else ratio(row.ratio, row.ratio_low, row.ratio_high)


def _tone(row: HistoryRow) -> Tone:
    return terminal.TONES.get(row.verdict, "doubt") if row.marked else "quiet"


_COLUMNS = (
    Column("date", "date", lambda row: (row.date or UNKNOWN)[:16].replace("T", " ")),
    Column("at", "at", lambda row: row.at[:8]),
    Column("label", "neuron", plain("label"), names_row=True),
    Column("phase", "phase", lambda row: PHASES.get(row.phase, UNKNOWN)),
    Column("T", "T", plain("T"), right=True),
    Column("verdict", "verdict", plain("verdict"), tone=_tone),
    Column("change", "change\n[90 %]", comparison.change, right=True),
    Column("ratio", "time ratio\n[95 %]", _ratio, right=True),
    Column("operators", "operators", lambda row: count(row.operators), right=True),
    Column("bytecodes", "bytecodes", lambda row: count(row.bytecodes), right=True),
    Column("allocated_bytes", "bytes", lambda row: count(row.allocated_bytes), right=True),
    Column("work", "what has changed", plain("work")),
)  # fmt: skip
