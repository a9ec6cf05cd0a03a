"""A column of a table: one fact about a row, and how every table shows it. The same for rows of any kind."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from psubench.render.numbers import UNKNOWN, Units, unit_of

Tone = Literal["", "good", "bad", "quiet", "doubt", "failed"]
"""How a cell is meant: better or worse than the reference, no difference, doubtful, without a number."""


class Scale(NamedTuple):
    """How the cells of a column share a unit, which then stands in the head.

    Attributes:
        units: to choose from.
        value: of a row, in the unit of size 1.
        text: of a row and the size of the unit that was chosen.
        of: the value that must fit the unit, of all that are known: the largest, or their median.
        group: columns of one group have one unit in a table; "" for a unit of the column's own.
    """

    units: Units
    value: Callable[[Any], float | None]
    text: Callable[[Any, float], str]
    of: Callable[[Sequence[float]], float] = max
    group: str = ""


median = statistics.median
"""Chooses the unit that suits most cells, where a single large one may have four digits."""


@dataclass(frozen=True)
class Column:
    """One fact about a row.

    Attributes:
        name: field of the row by which tables are ordered, unless `order` says otherwise.
        head: of the column, which may break where it has a line break; made of the rows if it is callable.
        text: what a cell shows; None where cells always share a unit by `scale`.
        tables: names of the tables that have the column.
        scale: how cells share a unit, in tables for papers or wherever there is no `text`.
        right: whether cells are aligned to the right.
        order: name of the field that orders rows, where it is not `name`.
        breaks: whether a terminal may break its cells.
        spare: whether a terminal that is too narrow for all columns does without this one.
        names_row: whether cells say what their row is about.
        needed: whether a table of these rows has use for it; by default if anything is known.
        tone: of a row's cell, beside that of the whole row.
    """

    name: str
    head: str | Callable[[Sequence[Any]], str]
    text: Callable[[Any], str] | None = None
    tables: tuple[str, ...] = ()
    scale: Scale | None = None
    right: bool = False
    order: str = ""
    breaks: bool = False
    spare: bool = False
    names_row: bool = False
    needed: Callable[[Sequence[Any]], bool] | None = None
    tone: Callable[[Any], Tone] | None = None

    def value(self, row: Any, text: str) -> float | str | None:
        """What orders rows by this column: the field's number, else the text; None is unknown."""
        found = getattr(row, self.order or self.name, text)
        if text == UNKNOWN or found is None:
            return None
        return found if isinstance(found, int | float) and not isinstance(found, bool) else text

    def known(self, rows: Sequence[Any]) -> bool:
        """Whether any cell of these rows holds something."""
        if self.needed is not None:
            return self.needed(rows)
        return self.text is None or any(self.text(row) != UNKNOWN for row in rows)


def plain(name: str) -> Callable[[Any], str]:
    """The text of a field as it is."""
    return lambda row: UNKNOWN if getattr(row, name) in (None, "") else str(getattr(row, name))


def scaled(units: Units, name: str, text: Callable[[float], str], group: str = "") -> Scale:
    """The scale of a field whose cells are numbers alone; `text` shows them in the unit."""

    def cell(row: Any, size: float) -> str:
        value = getattr(row, name)
        return UNKNOWN if value is None else text(value / size)

    return Scale(units, lambda row: getattr(row, name), cell, group=group)


def unit(columns: Sequence[Column], rows: Sequence[Any], scale: Scale) -> str:
    """The unit that all columns of the scale's group share in a table of these rows."""
    scales = [one for one in (column.scale for column in columns) if one is not None]
    group = [one for one in scales if one is scale or (one.group and one.group == scale.group)]
    values = [abs(value) for one in group for row in rows if (value := one.value(row)) is not None]
    return unit_of(scale.of(values), scale.units) if values else [*scale.units][-1]
