"""One panel of a figure over T: a line per neuron, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from psubench.render.figures.styles import Style
from psubench.render.numbers import BYTES, SECONDS

CAPS = {"elinewidth": 0.7, "capsize": 1.5, "capthick": 0.7}
"""How error bars look."""
_LEAST_GAP = 0.085  # of an axis' width, between two labels


class Point(Protocol):
    """What is drawn of a case: its neuron and its number of steps, beside what a quantity asks for."""

    @property
    def label(self) -> str:
        """The neuron."""

    @property
    def T(self) -> int:
        """Time steps."""


class Quantity(NamedTuple):
    """What is drawn over T.

    Attributes:
        axis: label of the axis.
        value: of a row; one without it is a gap.
        ends: of a row, those of its error bar, if there are any.
        per_step: whether values are divided by T.
        units: name and size of the units that ticks may have, the largest first.
    """

    axis: str
    value: Callable[[Any], float | None]
    ends: tuple[Callable[[Any], float | None], Callable[[Any], float | None]] | None
    per_step: bool
    units: Mapping[str, float]


_ENDS = (lambda row: row.p05_s, lambda row: row.p95_s)
TIME = Quantity("time per step", lambda row: row.median_s, _ENDS, True, SECONDS)
BANDWIDTH = Quantity("share of a copy's bandwidth", lambda row: row.copy_share, None, False, {"%": 0.01})
_BYTES = {**BYTES, "B": 1.0}
MEMORY = Quantity("peak memory of a call", lambda row: row.peak_memory_bytes, None, False, _BYTES)


def draw(axes: Any, rows: Sequence[Point], looks: dict[str, Style], quantity: Quantity) -> None:
    """A line per neuron, with error bars; a gap where a case has no value."""
    Ts = sorted({row.T for row in rows})
    by_label: dict[str, dict[int, Point]] = {}
    for row in rows:
        by_label.setdefault(row.label, {})[row.T] = row
    for label, of_neuron in by_label.items():
        points = [of_neuron.get(T) for T in Ts]
        if any(row is not None and quantity.value(row) for row in points):
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
    axes: Any, Ts: Sequence[int], points: Sequence[Point | None], label: str, look: Style, quantity: Quantity
) -> None:
    def values(of: Callable[[Any], float | None]) -> list[float]:
        return [
            ((row is not None and of(row)) or math.nan) / (row.T if row and quantity.per_step else 1)
            for row in points
        ]

    middle, bars = values(quantity.value), None
    if quantity.ends is not None:
        low, high = map(values, quantity.ends)
        below = [m - v for m, v in zip(middle, low, strict=True)]
        bars = (below, [v - m for m, v in zip(middle, high, strict=True)])
    axes.errorbar(Ts, middle, yerr=bars, label=label, **CAPS, **drawn(look))


def drawn(look: Style) -> dict[str, Any]:
    """How a line and its markers look, for matplotlib."""
    face = "white" if look.hollow else look.color
    return {
        "color": look.color, "marker": look.marker, "linestyle": look.dash, "markerfacecolor": face,
        "markeredgewidth": 0.8,
    }  # fmt: skip


def handle(look: Style) -> Any:
    """What the legend shows for a line."""
    from matplotlib.lines import Line2D

    return Line2D([], [], **drawn(look))


def _labelled(Ts: Sequence[int]) -> set[int]:
    """Those of the ticks that can be written below a logarithmic axis and do not overlap."""
    whole = math.log(Ts[-1] / Ts[0]) or 1.0
    chosen = [Ts[-1]]
    for T in reversed(Ts[:-1]):
        if math.log(chosen[-1] / T) / whole >= _LEAST_GAP:
            chosen.append(T)
    return set(chosen)


def _ticks(axes: Any, units: Mapping[str, float]) -> None:
    """Ticks of the vertical axis."""
    from matplotlib.ticker import FixedLocator

    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(FixedLocator(ticks(low, high, units)))
    axes.yaxis.set_major_formatter(formatter(units))


def ticks(low: float, high: float, units: Mapping[str, float]) -> list[float]:
    """Ticks at 1, 2 and 5 where an axis spans less than two decades, and only at 1 where it spans more."""
    steps = (1, 2, 5) if high / low < 100 else (1,)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [step * 10.0**exponent for exponent in exponents for step in steps]
    if 2.0**10 in units.values():
        exponents = range(math.floor(math.log2(low)), math.ceil(math.log2(high)) + 1)
        every = 1 if high / low < 32 else 2 if high / low < 1024 else 3
        found = [2.0**exponent for exponent in exponents][::every]
    return [tick for tick in found if low <= tick <= high]


def formatter(units: Mapping[str, float]) -> Any:
    """What writes a tick in the unit that suits it."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: _in_unit(value, units))


def _in_unit(value: float, units: Mapping[str, float]) -> str:
    """In the largest unit of which there is at least one; 1e-3 as a sum of tenths may be just below 1 ms."""
    unit = next((name for name, size in units.items() if value * (1 + 1e-9) >= size), list(units)[-1])
    return f"{value / units[unit]:.3g} {unit}".strip()
