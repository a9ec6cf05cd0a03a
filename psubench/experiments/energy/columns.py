"""The columns of measured energy, in joules; estimates in picojoule stand elsewhere and never beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from psubench.experiments.paired import columns
from psubench.experiments.paired.columns import UNKNOWN, Column, Row, Show, decimals, percent

_JOULES: Mapping[str, float] = {"J": 1.0, "mJ": 1e-3, "µJ": 1e-6, "nJ": 1e-9}
_COARSE = 0.01  # of a window's joules; a counter that counts in larger steps is told of
_WORDS = {"faster": "less", "slower": "more"}
_SPEED = {column.name: column for column in columns.COLUMNS}


def joules(value: float) -> str:
    """`1.23 mJ`: in the unit that leaves one to three digits before the point. Net energy may be negative."""
    unit = next((unit for unit, factor in _JOULES.items() if abs(value) >= factor), "nJ")
    scaled = value / _JOULES[unit]
    return f"{scaled:.{decimals(scaled)}f} {unit}"


def word(row: Row) -> str:
    """`less` or `more` energy than the reference, only where the whole interval lies outside the noise."""
    found = columns.verdict(row)
    return _WORDS.get(found, found)


def _joules(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row[name] is None else joules(row[name])


def _power(row: Row) -> str:
    if row["power_w"] is None:
        return UNKNOWN
    idle = UNKNOWN if row["idle_w"] is None else f"{row['idle_w']:.{decimals(row['idle_w'])}f}"
    return f"{row['power_w']:.{decimals(row['power_w'])}f} ({idle})"


def _verdict(row: Row) -> str:
    return f"{word(row)}, unverified" if columns.unverified(row) else word(row)


def coarse(rows: Sequence[Row]) -> list[str]:
    """One sentence if the steps of a counter are no small part of a window in some row, else none."""
    shares = [row["resolution"] for row in rows if row["kind"] == "energy" and row["resolution"] is not None]
    if max(shares, default=0.0) <= _COARSE:
        return []
    return [f"the counters' steps are up to {percent(max(shares))} of a window's joules: lengthen --window"]


def _own(name: str) -> Column:
    return Column(name, Show.CSV | Show.JSON, name, None, lambda row: str(row[name]))


def _shared(name: str) -> Column:
    return _SPEED[name]


# The first part is the order of energy.csv; what follows is for tables and JSON.
COLUMNS: tuple[Column, ...] = (
    *map(_shared, ("kind", "neuron", "implementation", "model", "data", "T", "batch", "size", "device")),
    *map(_shared, ("dtype", "phase", "mode", "threads", "status", "verified", "reference")),
    _own("gross_j_per_call"),
    _own("net_j_per_call"),
    _own("gross_j_per_sample"),
    _own("net_j_per_sample"),
    _own("gross_j_per_step"),
    _own("net_j_per_step"),
    _own("power_w"),
    _own("idle_w"),
    *map(_shared, ("median_s", "ratio", "ratio_low", "ratio_high", "noise_floor")),
    _own("windows"),
    _own("window_s"),
    _shared("processes"),
    Column("counters", Show.CSV | Show.JSON | Show.AXIS, "counters", None, lambda row: str(row["counters"])),
    _own("resolution"),
    *map(_shared, ("message", "run_id", "key", "label")),
    Column(
        "gross",
        Show.TABLE,
        "gross\nper sample",
        None,
        _joules("gross_j_per_sample"),
        right=True,
        by="gross_j_per_sample",
    ),
    Column(
        "net",
        Show.TABLE,
        "net of idle\nper sample",
        None,
        _joules("net_j_per_sample"),
        right=True,
        by="net_j_per_sample",
    ),
    Column("power", Show.TABLE, "W\n(idle)", None, _power, right=True, by="power_w"),
    Column(
        "ratio [95 %]",
        Show.TABLE,
        "E_{reference} / E_neuron\n[95 %]",
        None,
        _SPEED["ratio [95 %]"].text,
        by="ratio",
    ),
    Column("verdict", Show.TABLE, "verdict", None, _verdict),
    Column("firing_rate", Show.JSON, "firing\nrate", None, _SPEED["firing_rate"].text, right=True),
)
