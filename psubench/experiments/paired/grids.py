"""Rows of speed or energy as a table of a report: one line per case with all results."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.paired import large
from psubench.experiments.paired.columns import shown
from psubench.experiments.paired.rows import Row
from psubench.render.column import Column
from psubench.render.grid import Grid
from psubench.render.report.parts import Table, table


def full(rows: Sequence[Row], results: Sequence[Column], name: str, caption: str) -> Table:
    """Every case with every result that is known.

    Args:
        rows: of one phase, with labels that tell the neurons apart.
        results: the columns of their kind.
    """
    rows, every = sorted(rows, key=lambda row: row.T), len(rows)
    if every > large.MOST_ROWS:
        rows = rows[: large.MOST_ROWS]
        caption = f"{caption}; the first {len(rows)} of {every}, {large.ELSEWHERE}"
    columns = [column for column in shown(rows, results) if column.name != "phase"]
    return table(Grid(caption, columns, rows, group="T"), name)
