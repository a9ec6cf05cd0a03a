"""The columns of tables of `speed`. Tables show texts; CSV and JSON hold the fields of `SpeedRow`."""

from __future__ import annotations

from psubench.experiments.paired.columns import LABEL, RATE, compared, judged
from psubench.experiments.speed.rows import SpeedRow
from psubench.render.column import Column, Scale, median
from psubench.render.numbers import MEBIBYTE, SECONDS, UNKNOWN, decimals, interval, significant, unit_of


def time(row: SpeedRow) -> str:
    """`1.17 ms [0.97, 1.43]`: the median of the samples and where 90 % of them lie."""
    if row.median_s is None:
        return UNKNOWN
    unit = unit_of(row.median_s)
    median, *spread = _time_in(row, SECONDS[unit]).split(" ", 1)
    return " ".join([median, unit, *spread])


def _time_in(row: SpeedRow, size: float) -> str:
    if row.median_s is None:
        return UNKNOWN
    places = decimals(row.median_s / size)
    low, high = (None if end is None else end / size for end in (row.p05_s, row.p95_s))
    return f"{row.median_s / size:.{places}f}{interval(low, high, places)}"


def _memory(row: SpeedRow) -> str:
    if row.peak_memory_bytes is None:
        return UNKNOWN
    if row.peak_memory_bytes == 0:
        return "<0.004"  # a page of memory, the least that is seen
    mebibytes = row.peak_memory_bytes / MEBIBYTE
    return f"{mebibytes:.{min(3, decimals(mebibytes))}f}"


def _copy_share(row: SpeedRow) -> str:
    return UNKNOWN if row.copy_share is None else f"{significant(100 * row.copy_share, 2, most=2)} %"


_TIME = Scale(SECONDS, lambda row: row.median_s, _time_in, of=median)
COLUMNS: tuple[Column, ...] = (
    LABEL,
    Column("time", "time\n[5 %, 95 %]", time, scale=_TIME, order="median_s"),
    compared("t"),
    judged(),
    RATE,
    Column("peak memory", "peak\nMiB", _memory, right=True, order="peak_memory_bytes"),
    Column("copy_share", "of copy\nspeed", _copy_share, right=True, spare=True),
)
