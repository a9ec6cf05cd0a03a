"""One panel of the time figure: a line per neuron over T, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from psubench.render import groups
from psubench.render.columns import SECONDS, Row, unit_of
from psubench.render.styles import Style

_LEAST_GAP = 0.085  # of an axis' width, between two labels


def draw(axes: Any, rows: Sequence[Row], looks: dict[str, Style]) -> None:
    """Median time per step, with the 5th to 95th percentile as error bars; a gap where a case has no time."""
    Ts = sorted({row["T"] for row in rows})
    for label in groups.labels(rows):
        of_neuron = {row["T"]: row for row in rows if row["label"] == label}
        points = [of_neuron.get(T) for T in Ts]
        if any(row is not None and row["median_s"] is not None for row in points):
            _line(axes, Ts, points, label, looks[label])
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    margin = max(Ts[-1] / Ts[0], 2) ** 0.05
    axes.set_xlim(Ts[0] / margin, Ts[-1] * margin)
    axes.set_xticks(Ts, [str(T) if T in _labelled(Ts) else "" for T in Ts])
    axes.minorticks_off()
    axes.grid(axis="y", linewidth=0.4, color="#dddddd")
    axes.set_axisbelow(True)
    _time_ticks(axes)


def _line(axes: Any, Ts: Sequence[int], points: Sequence[Row | None], label: str, look: Style) -> None:
    def per_step(name: str) -> list[float]:
        return [math.nan if row is None or row[name] is None else row[name] / row["T"] for row in points]

    median, low, high = per_step("median_s"), per_step("p05_s"), per_step("p95_s")
    below = [m - v for m, v in zip(median, low, strict=True)]
    above = [v - m for m, v in zip(median, high, strict=True)]
    caps = {"elinewidth": 0.7, "capsize": 1.5, "capthick": 0.7}
    axes.errorbar(Ts, median, yerr=(below, above), label=label, **caps, **_drawn(look))


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


def _time_ticks(axes: Any) -> None:
    """Ticks at 1, 2 and 5 where the axis spans less than two decades, and only at 1 where it spans more."""
    from matplotlib.ticker import FixedLocator, FuncFormatter

    low, high = axes.get_ylim()
    steps = (1, 2, 5) if high / low < 100 else (1,)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _si(value)))


def _si(seconds: float) -> str:
    unit = unit_of(seconds * (1 + 1e-9))  # 1e-3 as a sum of tenths may be just below 1 ms
    return f"{seconds / SECONDS[unit]:.3g} {unit}"
