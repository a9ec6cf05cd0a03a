"""One panel of a figure over T: a line per neuron, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from psubench.experiments.paired.columns import SECONDS, Row
from psubench.render.figures.styles import Style

_LEAST_GAP = 0.085  # of an axis' width, between two labels


class Quantity(NamedTuple):
    """What is drawn over T.

    Attributes:
        axis: label of the axis.
        value: column of the rows; a row without it is a gap.
        ends: columns of the error bars' ends, if there are any.
        per_step: whether values are divided by T.
        units: name and size of the units that ticks may have, the largest first.
    """

    axis: str
    value: str
    ends: tuple[str, str] | None
    per_step: bool
    units: Mapping[str, float]


TIME = Quantity("time per step", "median_s", ("p05_s", "p95_s"), True, SECONDS)
_BYTES = {"GiB": 2.0**30, "MiB": 2.0**20, "KiB": 2.0**10, "B": 1.0}
ROOF = Quantity("share of a copy's bandwidth", "copy_share", None, False, {"%": 0.01})
MEMORY = Quantity("peak memory of a call", "peak_memory_bytes", None, False, _BYTES)


def draw(axes: Any, rows: Sequence[Row], looks: dict[str, Style], quantity: Quantity) -> None:
    """A line per neuron, with error bars; a gap where a case has no value."""
    Ts = sorted({row["T"] for row in rows})
    by_label: dict[str, dict[int, Row]] = {}
    for row in rows:
        by_label.setdefault(row["label"], {})[row["T"]] = row
    for label, of_neuron in by_label.items():
        points = [of_neuron.get(T) for T in Ts]
        if any(row is not None and row[quantity.value] for row in points):
            _line(axes, Ts, points, label, looks[label], quantity)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    margin = max(Ts[-1] / Ts[0], 2) ** 0.05
    axes.set_xlim(Ts[0] / margin, Ts[-1] * margin)
    labelled = set(_labelled(Ts))
    axes.set_xticks(Ts, [str(T) if T in labelled else "" for T in Ts])
    axes.minorticks_off()
    axes.grid(axis="y", linewidth=0.4, color="#dddddd")
    axes.set_axisbelow(True)
    _ticks(axes, quantity.units)


def same_limits(panels: Sequence[Any], quantity: Quantity) -> None:
    """One scale for panels that are compared and do not share an axis."""
    low = min(axes.get_ylim()[0] for axes in panels)
    high = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(low, high)
        _ticks(axes, quantity.units)


def _line(
    axes: Any, Ts: Sequence[int], points: Sequence[Row | None], label: str, look: Style, quantity: Quantity
) -> None:
    def values(name: str) -> list[float]:
        return [
            math.nan if row is None or not row[name] else row[name] / (row["T"] if quantity.per_step else 1)
            for row in points
        ]

    middle, bars = values(quantity.value), None
    if quantity.ends is not None:
        low, high = map(values, quantity.ends)
        below = [m - v for m, v in zip(middle, low, strict=True)]
        bars = (below, [v - m for m, v in zip(middle, high, strict=True)])
    caps = {"elinewidth": 0.7, "capsize": 1.5, "capthick": 0.7}
    axes.errorbar(Ts, middle, yerr=bars, label=label, **caps, **_drawn(look))


def _drawn(look: Style) -> dict[str, Any]:
    face = "white" if look.hollow else look.color
    return {
        "color": look.color, "marker": look.marker, "linestyle": look.dash, "markerfacecolor": face,
        "markeredgewidth": 0.8,
    }  # fmt: skip


def handle(look: Style) -> Any:
    """What the legend shows for a line."""
    from matplotlib.lines import Line2D

    return Line2D([], [], **_drawn(look))


def _labelled(Ts: Sequence[int]) -> set[int]:
    """Those of the ticks that can be written below a logarithmic axis and do not overlap."""
    whole = math.log(Ts[-1] / Ts[0]) or 1.0
    chosen = [Ts[-1]]
    for T in reversed(Ts[:-1]):
        if math.log(chosen[-1] / T) / whole >= _LEAST_GAP:
            chosen.append(T)
    return set(chosen)


def _ticks(axes: Any, units: Mapping[str, float]) -> None:
    """Ticks at 1, 2 and 5 where the axis spans less than two decades, and only at 1 where it spans more."""
    from matplotlib.ticker import FixedLocator, FuncFormatter

    low, high = axes.get_ylim()
    steps = (1, 2, 5) if high / low < 100 else (1,)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
    if 2.0**10 in units.values():
        exponents = range(math.floor(math.log2(low)), math.ceil(math.log2(high)) + 1)
        every = 1 if high / low < 32 else 2 if high / low < 1024 else 3
        ticks = [2.0**exponent for exponent in exponents][::every]
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _in_unit(value, units)))


def _in_unit(value: float, units: Mapping[str, float]) -> str:
    """In the largest unit of which there is at least one; 1e-3 as a sum of tenths may be just below 1 ms."""
    unit = next((name for name, size in units.items() if value * (1 + 1e-9) >= size), list(units)[-1])
    return f"{value / units[unit]:.3g} {unit}"
