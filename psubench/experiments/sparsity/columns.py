"""THE list of columns of a sparsity run: a row is a layer, or the total, of one case.

CSV and JSON hold totals over all samples; tables show them per sample, in one unit per column. Every
energy is an estimate by the model that the caption names. None is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from types import MappingProxyType
from typing import Any

from psubench.experiments.paired.columns import UNKNOWN, Row, decimals, marked

COUNTS: Mapping[str, float] = MappingProxyType({"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12})
PICOJOULES: Mapping[str, float] = MappingProxyType({"pJ": 1.0, "nJ": 1e3, "µJ": 1e6, "mJ": 1e9, "J": 1e12})


class Show(Flag):
    """Where a column stands."""

    CSV = auto()
    JSON = auto()
    LAYERS = auto()
    """In a table of the layers of a case."""
    TOTALS = auto()
    """In a table of the totals of all cases."""
    PAPER = auto()
    """In a table of all layers of all cases, for papers."""


@dataclass(frozen=True)
class Column:
    """One fact about a layer.

    Attributes:
        name: key of the row, and the header in CSV and JSON.
        show: the outputs that have it.
        header: its head in tables.
        text: how tables show a row's value.
        unit: of what `text` gives.
        units: those that a table chooses from, for a value that is shown per sample; None for others.
        right: whether tables align it to the right.
        joint: what stands between the header and its unit.
        needed: whether a table of these rows has use for it.
    """

    name: str
    show: Show
    header: str
    text: Callable[[Row], str]
    unit: str | None = None
    units: Mapping[str, float] | None = None
    right: bool = False
    joint: str = "\n"
    needed: Callable[[Sequence[Row]], bool] = lambda _: True

    def cells(self, rows: Sequence[Row]) -> tuple[str, list[str]]:
        """Header with its unit, and the texts of rows."""
        unit, texts = self.unit, [self.text(row) for row in rows]
        if self.units is not None:
            values = [per_sample(row, self.name) for row in rows]
            unit = unit_for([value for value in values if value is not None], self.units)
            factor = self.units[unit]
            texts = [UNKNOWN if value is None else number(value / factor) for value in values]
        return f"{self.header}{self.joint}({unit})" if unit else self.header, texts

    def value(self, row: Row) -> Any:
        """What CSV and JSON hold."""
        return row.get(self.name)


def number(value: float, digits: int = 3) -> str:
    """So many significant digits, without an exponent; 0 is exact."""
    return f"{value:.{decimals(value, digits)}f}" if value else "0"


def unit_for(values: Sequence[float], units: Mapping[str, float]) -> str:
    """The unit in which the largest value has one to three digits before the point."""
    largest = max(values, default=0.0)
    fits = (unit for unit, factor in reversed(list(units.items())) if largest >= factor)
    return next(fits, next(iter(units)))


def per_sample(row: Row, name: str) -> float | None:
    """A total as its share of one sample; None if unknown."""
    return None if row[name] is None or not row["n_samples"] else row[name] / row["n_samples"]


def _plain(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row.get(name) in (None, "") else str(row[name])


def _data(name: str, show: Show = Show.CSV | Show.JSON, header: str = "", *, right: bool = False) -> Column:
    return Column(name, show, header or name, _plain(name), right=right)


def _counted(name: str, show: Show, header: str, units: Mapping[str, float] = COUNTS) -> Column:
    return Column(name, Show.CSV | Show.JSON | show, header, _plain(name), units=units, right=True)


def _layer(row: Row) -> str:
    return f"{row['layer']}*" if row["first"] else str(row["layer"])


def _rate(row: Row) -> str:
    if not row["firing_rate"]:
        return UNKNOWN if row["firing_rate"] is None else "0"  # not a rate that rounds to it
    return f"{row['firing_rate']:.4f}"


def _percent(part: str, whole: str, places: int) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        if row[part] is None or not row[whole]:
            return UNKNOWN
        return f"{100 * row[part] / row[whole]:.{places}f}"

    return text


def _complete(row: Row) -> str:
    return "yes" if row["complete"] else f"no: {', '.join(row['uncounted']) or row['status']}"


_ALL = Show.LAYERS | Show.TOTALS | Show.PAPER
_FILES = Show.CSV | Show.JSON
# The columns with Show.CSV, in this order, are those of sparsity.csv, which is a contract.
COLUMNS: tuple[Column, ...] = (
    _data("model"),
    _data("data"),
    _data("neuron"),
    _data("T", _FILES | Show.TOTALS | Show.PAPER, right=True),
    Column("label", Show.JSON | Show.TOTALS | Show.PAPER, "neuron", marked),
    _data("batch"),
    Column("layer", _FILES | Show.LAYERS | Show.PAPER, "layer", _layer),
    _data("role"),
    _data("shape", _FILES | Show.LAYERS | Show.PAPER),
    Column("firing_rate", _FILES | _ALL, "firing\nrate", _rate, right=True),
    _data("spikes"),
    _data("neuron_steps"),
    _counted("sop_eff", _ALL, "SOPs"),
    _data("sop_unit"),
    _data("sop_graded"),
    Column(
        "graded", Show.LAYERS | Show.PAPER, "graded", _percent("sop_graded", "sop_eff", 0), "%", right=True,
        needed=lambda rows: any(row["sop_graded"] for row in rows),
    ),
    _data("sop_dense"),
    Column("of dense", _ALL, "of dense", _percent("sop_eff", "sop_dense", 1), "%", right=True),
    _data("mac_textbook"),
    _data("sop_eff_nzw"),
    _data("sop_value"),
    _counted("dynamics_mac", _ALL, "neuron\nMACs"),
    _data("dynamics_ac"),
    _data("dynamics_cmp"),
    _data("dynamics_nonlin"),
    _data("dynamics_mac_executed"),
    Column(
        "synapse_energy_pj", Show.JSON | Show.TOTALS, "synapses", _plain("synapse_energy_pj"),
        units=PICOJOULES, right=True,
    ),
    Column(
        "dynamics_energy_pj", Show.JSON | Show.TOTALS, "neurons", _plain("dynamics_energy_pj"),
        units=PICOJOULES, right=True,
    ),
    _counted("energy_pj", _ALL, "estimated\nenergy", PICOJOULES),
    _data("energy_model"),
    _data("n_samples"),
    _data("policy"),
    Column(
        "complete", _FILES | _ALL, "complete", _complete,
        needed=lambda rows: not all(row["complete"] for row in rows),
    ),
    _data("run_id"),
    *(
        _data(name, Show.JSON)
        for name in (
            *("implementation", "key", "device", "dtype", "weights", "status", "message", "first"),
            *("uncounted", "unfolded", "events", "recurrent_unit", "recurrent_graded", "recurrent_dense"),
            *("bias", "bn", "pooling", "residual", "spikes_per_step"),
        )
    ),
)  # fmt: skip


def shown(rows: Sequence[Row], where: Show) -> list[Column]:
    """The columns that a table of these rows needs."""
    return [column for column in COLUMNS if where & column.show and column.needed(rows)]
