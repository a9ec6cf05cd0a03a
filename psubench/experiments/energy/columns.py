"""The columns of measured energy, in joules; estimates in picojoule stand elsewhere and never beside them."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.energy.rows import EnergyRow
from psubench.experiments.paired.columns import LABEL, compared, judged
from psubench.experiments.paired.rows import Row, verdict
from psubench.render.column import Column
from psubench.render.numbers import JOULES, UNKNOWN, decimals, in_units, percent

_COARSE = 0.01  # of a window's joules; a counter that counts in larger steps is told of
_WORDS = {"faster": "less", "slower": "more"}


def word(row: Row) -> str:
    """`less` or `more` energy than the reference, only where the whole interval lies outside the noise."""
    found = verdict(row)
    return _WORDS.get(found, found)


def _power(row: EnergyRow) -> str:
    if row.power_w is None:
        return UNKNOWN
    idle = UNKNOWN if row.idle_w is None else f"{row.idle_w:.{decimals(row.idle_w)}f}"
    return f"{row.power_w:.{decimals(row.power_w)}f} ({idle})"


def coarse(rows: Sequence[EnergyRow]) -> list[str]:
    """One sentence if the steps of a counter are a large part of a window in some row; else no sentence."""
    most = max((row.resolution for row in rows if row.resolution is not None), default=0.0)
    if most <= _COARSE:
        return []
    return [f"the counters' steps are up to {percent(most)} of a window's joules: lengthen --window"]


def _joules(kind: str, head: str) -> Column:
    """Gross or net joules of a sample."""
    name = f"{kind}_j_per_sample"
    text = f"{head}\nper sample"
    return Column(kind, text, lambda row: in_units(getattr(row, name), JOULES), right=True, order=name)


COLUMNS: tuple[Column, ...] = (
    LABEL,
    _joules("gross", "gross"),
    _joules("net", "net of idle"),
    Column("power", "W\n(idle)", _power, right=True, order="power_w"),
    compared("E"),
    judged(word),
)
