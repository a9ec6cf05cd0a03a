"""The table of `psubench selftest simulate`: verdicts by how was measured, noise and true slowdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from psubench.records.rows import SimulatedRow as Row
from psubench.render.column import Column, plain
from psubench.render.grid import Grid, Sheet

GIT = "compare --git"


class _Line(NamedTuple):
    """Rows that differ in the slowdown alone."""

    measured: str
    noise: str
    rows: Sequence[Row]


def sheet(rows: Sequence[Row]) -> Sheet:
    """A grid of the verdicts and one of what the comparisons end with."""
    ways = dict.fromkeys((row.records, row.noise) for row in rows)
    lines = [
        _Line(
            f"{records} processes" if records else GIT,
            noise,
            [one for one in rows if (one.records, one.noise) == (records, noise)],
        )
        for records, noise in ways
    ]
    git = [line for line in lines if line.measured == GIT]  # only these choose how many processes they take
    grids = [
        Grid("same/slower/unclear, in % of the verdicts", _columns(lines, _verdicts), lines, "noise"),
        Grid("comparisons that call anything slower, in %", _columns(lines, _exit_1), lines, "noise"),
        Grid("processes that a side takes, mean", _columns(git, _processes), git),
    ]
    faster = max(row.faster for row in rows)
    legend = [
        "one neuron of four cases, all slower by what the column says, of which the work is known to differ",
        f"`faster` is at most {_percent(faster)} % of the verdicts of a row",
    ]
    caption = f"Simulated: {rows[0].comparisons} comparisons for every cell of a table"
    return Sheet(caption, [*grids, legend], grids, legend)


def _columns(lines: Sequence[_Line], text: Callable[[Row], str]) -> list[Column]:
    def cell(number: int, line: _Line) -> str:
        return text(line.rows[number])

    return [
        Column("noise", "noise", plain("noise")),
        Column("measured", "measured", plain("measured")),
        *(
            Column(f"at {row.slowdown}", f"{100 * row.slowdown:+.0f} %", partial(cell, number), right=True)
            for number, row in enumerate(lines[0].rows)
        ),
    ]


def _verdicts(row: Row) -> str:
    return "/".join(map(_percent, (row.same, row.slower, row.unclear)))


def _exit_1(row: Row) -> str:
    return _percent(row.exit_1)


def _processes(row: Row) -> str:
    return f"{row.processes:.1f}"


def _percent(share: float) -> str:
    """`0`, `<0.1`, `3.5`, `12`: whole percents from 10 on."""
    if share >= 0.0995 or not share:
        return f"{100 * share:.0f}"
    return "<0.1" if share < 0.0005 else f"{100 * share:.1f}"
