"""THE list of columns of a profile: a row is a call, a role, a layer or an operator of one case.

Everything is per call, with the profiler on unless its name says otherwise. None is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from types import MappingProxyType
from typing import Any

from psubench.experiments.paired.columns import SECONDS, UNKNOWN, Row, decimals

_BYTES: Mapping[str, float] = MappingProxyType({"GiB": 2.0**30, "MiB": 2.0**20, "KiB": 2.0**10})


class Show(Flag):
    """Where a column stands."""

    DATA = auto()
    """In CSV and JSON."""
    CALLS = auto()
    """In the table of all cases, also that for papers."""
    OPERATORS = auto()
    """In a table of the operators of a case."""


@dataclass(frozen=True)
class Column:
    """One fact about a row.

    Attributes:
        name: key of the row, and the header in CSV and JSON.
        show: the outputs that have it.
        header: its head in tables.
        text: how tables show a row's value, where they do not choose one of `units` for all rows.
        units: names and sizes, the largest first.
        right: whether tables align it to the right.
    """

    name: str
    show: Show
    header: str = ""
    text: Callable[[Row], str] | None = None
    units: Mapping[str, float] | None = None
    right: bool = True

    def cells(self, rows: Sequence[Row], largest: float) -> tuple[str, list[str]]:
        """Header with its unit, in which `largest` has digits before the point, and the texts of rows."""
        if self.units is None:
            return self.header, [(self.text or _plain(self.name))(row) for row in rows]
        unit = next((unit for unit, size in self.units.items() if largest >= size), [*self.units][-1])
        values = [row[self.name] for row in rows]
        texts = [UNKNOWN if value is None else number(value / self.units[unit]) for value in values]
        return f"{self.header}\n({unit})", texts


def number(value: float) -> str:
    """Three significant digits, at most three of them behind the point, and all before it."""
    text = f"{value:.{min(3, decimals(value))}f}"
    return text if float(text) else "0"


def percent(share: float | None) -> str:
    """`28 %`, `1.2 %`, and `0 %` only for nothing at all."""
    if share is None:
        return UNKNOWN
    if share == 0:
        return "0 %"
    return f"{100 * share:.{0 if share >= 0.1 else 1}f} %" if share >= 0.0005 else "<0.1 %"


def count(value: float | None) -> str:
    """A count per call or step; a mean has one place behind the point."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _plain(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row[name] is None else str(row[name])


def _role(role: str, header: str) -> Column:
    return Column(f"{role}_share", Show.CALLS, header, lambda row: percent(row[f"{role}_share"]))


def _data(*names: str) -> list[Column]:
    return [Column(name, Show.DATA) for name in names]


# The first part is the order of profile.csv; the shares of roles are columns of tables only.
COLUMNS: tuple[Column, ...] = (
    *_data("kind", "neuron", "implementation", "model", "data", "T", "batch", "size", "device", "dtype"),
    *_data("phase", "mode", "threads", "status", "verified", "part"),
    Column("name", Show.DATA | Show.OPERATORS, "operator", _plain("name"), right=False),
    Column("role", Show.DATA | Show.OPERATORS, "in", _plain("role"), right=False),
    *_data("layer_kind"),
    Column("events", Show.DATA | Show.OPERATORS, "calls", lambda row: count(row["events"])),
    Column("label", Show.CALLS, "neuron", _plain("label"), right=False),
    Column("time_s", Show.DATA | Show.CALLS | Show.OPERATORS, "time", None, SECONDS),
    Column("total_s", Show.DATA | Show.OPERATORS, "with\ninner", None, SECONDS),
    Column("share", Show.DATA | Show.OPERATORS, "share", lambda row: percent(row["share"])),
    *_data("forward_s", "backward_s"),
    Column("bare_s", Show.DATA | Show.CALLS, "without\nprofiler", None, SECONDS),
    _role("neuron", "in\nneurons"),
    _role("synapse", "in\nsynapses"),
    _role("other", "in\nothers"),
    _role("unattributed", "not\nknown"),
    *_data("launches"),
    Column(
        "launches_per_step",
        Show.DATA | Show.CALLS,
        "launches\nper step",
        lambda row: count(row["launches_per_step"]),
    ),
    *_data("allocated_bytes"),
    Column("kept_bytes", Show.DATA | Show.OPERATORS, "memory", None, _BYTES),
    Column("peak_memory_bytes", Show.DATA | Show.CALLS, "peak", None, _BYTES),
    *_data("message", "run_id"),
)


def shown(where: Show) -> list[Column]:
    """The columns of an output, in their order."""
    return [column for column in COLUMNS if where in column.show]


def table(rows: Sequence[Row], where: Show) -> list[tuple[Column, str, list[str]]]:
    """Column, header and texts of every column of a table; all times have one unit, as have all bytes."""
    columns = shown(where)
    largest = {
        id(units): max(
            (abs(row[c.name]) for c in columns for row in rows if c.units is units and row[c.name]),
            default=0.0,
        )
        for units in (SECONDS, _BYTES)
    }
    return [(column, *column.cells(rows, largest.get(id(column.units), 0.0))) for column in columns]


def values(row: Row) -> dict[str, Any]:
    """What CSV and JSON hold of a row."""
    return {column.name: row[column.name] for column in shown(Show.DATA)}
