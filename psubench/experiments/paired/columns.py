"""THE list of columns: what a row holds and how each output shows it.

A row is one case as `experiments.speed.rows.rows` makes it; None is unknown. Tables in the terminal, in
Markdown and in LaTeX show formatted texts, CSV and JSON the values themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any

Row = Mapping[str, Any]
UNKNOWN = "-"
SECONDS: Mapping[str, float] = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


class Show(Flag):
    """Where a column stands."""

    CSV = auto()
    JSON = auto()
    AXIS = auto()
    """In a table's caption if equal in all rows, else a column of the table."""
    TABLE = auto()
    """A column of every table, unless it is unknown in all rows."""


def decimals(value: float, digits: int = 3) -> int:
    """Decimal places that show so many significant digits."""
    return max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else digits - 1


def unit_of(seconds: float) -> str:
    """The SI unit in which a time has one to three digits before the point."""
    return next((unit for unit, factor in SECONDS.items() if seconds >= factor), "ns")


def ratio(value: float, low: float | None, high: float | None) -> str:
    """`0.63x [0.61, 0.65]`; without the brackets where no interval is known."""
    places = decimals(value, 2 if value < 1 else 3)
    if low is None or high is None:
        return f"{value:.{places}f}x"
    return f"{value:.{places}f}x [{low:.{places}f}, {high:.{places}f}]"


def verdict(row: Row) -> str:
    """One word: `faster` or `slower` only where the whole interval lies outside the noise.

    With the noise floor f, the noise is [1 / (1 + f), 1 + f]. `unclear`: too few rounds for an
    interval, or no reference. A case that was not timed has its status.
    """
    if row["status"] != "ok":
        return str(row["status"])
    if row["is_reference"]:
        return "ref"
    low, high, noise = row["ratio_low"], row["ratio_high"], row["noise_floor"]
    if low is None or high is None or noise is None:
        return "unclear"
    if low > 1 + noise:
        return "faster"
    return "slower" if high < 1 / (1 + noise) else "≈"


def unverified(row: Row) -> bool:
    """Whether a case was timed though no reference has confirmed its spikes."""
    return row["status"] == "ok" and row["verified"] is not True


def marked(row: Row) -> str:
    """The label, with `(unverified)` where no reference has confirmed the spikes of a result."""
    doubted = row["status"] == "ok" and row.get("verified") is False
    return f"{row['label']} (unverified)" if doubted else str(row["label"])


def _plain(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row[name] is None else str(row[name])


def time(row: Row) -> str:
    """`1.17 ms [0.97, 1.43]`: the median of the samples and where 90 % of them lie."""
    if row["median_s"] is None:
        return UNKNOWN
    unit = unit_of(row["median_s"])
    median, *spread = _time_in(row, unit).split(" ", 1)
    return " ".join([median, unit, *spread])


def _time_in(row: Row, unit: str) -> str:
    median, low, high = row["median_s"], row["p05_s"], row["p95_s"]
    if median is None:
        return UNKNOWN
    factor = SECONDS[unit]
    places = decimals(median / factor)
    text = f"{median / factor:.{places}f}"
    if low is None or high is None:
        return text
    return f"{text} [{low / factor:.{places}f}, {high / factor:.{places}f}]"


def _ratio(row: Row) -> str:
    if row["is_reference"] and row["noise_floor"] is not None:
        return f"noise ±{percent(row['noise_floor'])}"
    if row["is_reference"] or row["ratio"] is None:
        return UNKNOWN
    return ratio(row["ratio"], row["ratio_low"], row["ratio_high"])


def percent(fraction: float) -> str:
    """`1.2 %`: two significant digits, at least tenths."""
    return f"{100 * fraction:.{1 if fraction < 0.1 else 0}f} %"


def _verdict(row: Row) -> str:
    return f"{verdict(row)}, unverified" if unverified(row) else verdict(row)


def _rate(row: Row) -> str:
    return UNKNOWN if row["firing_rate"] is None else f"{row['firing_rate']:.3f}"


def _memory(row: Row) -> str:
    if row["peak_memory_bytes"] is None:
        return UNKNOWN
    if row["peak_memory_bytes"] == 0:
        return "<0.004"  # a page of memory, the least that is seen
    mebibytes = row["peak_memory_bytes"] / 2**20
    return f"{mebibytes:.{min(3, decimals(mebibytes))}f}"


def _copy_share(row: Row) -> str:
    share = row["copy_share"]
    return UNKNOWN if share is None else f"{100 * share:.{min(2, decimals(100 * share, 2))}f} %"


@dataclass(frozen=True)
class Column:
    """One fact about a case.

    Attributes:
        name: key of the row, and the header in CSV and JSON.
        show: the outputs that have it.
        header: its head in tables, which may break where it has a line break; `{reference}` becomes
            the label of the reference.
        unit: unit of what `text` gives, where the text itself does not hold one.
        text: how tables show a row's value.
        text_in: the same in a given unit of time, where a table has one unit in its header.
        right: whether tables align it to the right.
        by: key of the row that orders rows by this column, where it is not the name.
        spare: whether a terminal that is too narrow for all columns does without this one.
    """

    name: str
    show: Show
    header: str
    unit: str | None
    text: Callable[[Row], str]
    text_in: Callable[[Row, str], str] | None = None
    right: bool = False
    by: str = ""
    spare: bool = False

    def value(self, row: Row) -> Any:
        """What CSV and JSON hold."""
        return row[self.name]


def _data(name: str, show: Show = Show.CSV | Show.JSON) -> Column:
    return Column(name, show, name, None, _plain(name))


def _axis(name: str, *, number: bool = False, header: str = "") -> Column:
    show = Show.CSV | Show.JSON | Show.AXIS
    return Column(name, show, header or name, None, _plain(name), right=number)


# The first part is the order of speed.csv, which is a contract; what follows is for tables and JSON.
COLUMNS: tuple[Column, ...] = (
    _data("kind"),
    _data("neuron"),
    _data("implementation"),
    _axis("model"),
    _axis("data"),
    _axis("T", number=True),
    _axis("batch", number=True),
    _axis("size", number=True),
    _axis("device"),
    _axis("dtype"),
    _axis("phase"),
    _axis("mode"),
    _axis("threads", number=True),
    _data("status"),
    _data("verified"),
    _axis("reference"),
    _data("median_s"),
    _data("p05_s"),
    _data("p95_s"),
    _data("ratio"),
    _data("ratio_low"),
    _data("ratio_high"),
    _data("noise_floor"),
    _data("rounds"),
    _axis("processes", number=True),
    _data("peak_memory_bytes"),
    _data("message"),
    _axis("run_id", header="run"),
    _data("least_bytes"),
    _data("copy_bytes_per_s"),
    _data("key", show=Show.JSON),
    _data("compile", show=Show.JSON),
    Column("label", Show.TABLE | Show.JSON, "neuron", None, _plain("label")),
    Column("time", Show.TABLE, "time\n[5 %, 95 %]", None, time, _time_in, by="median_s"),
    Column("ratio [95 %]", Show.TABLE, "t_{reference} / t_neuron\n[95 %]", None, _ratio, by="ratio"),
    Column("verdict", Show.TABLE, "verdict", None, _verdict),
    Column("firing_rate", Show.TABLE | Show.JSON, "firing\nrate", None, _rate, right=True),
    Column("peak memory", Show.TABLE, "peak\nMiB", None, _memory, right=True, by="peak_memory_bytes"),
    Column(
        "copy_share", Show.TABLE | Show.CSV | Show.JSON, "of copy\nspeed", None, _copy_share, right=True,
        spare=True,
    ),
)  # fmt: skip
