"""One panel of the ratio figure: a group of bars per T, a bar per neuron, on a logarithmic axis around 1."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from psubench.experiments.speed.rows import SpeedRow
from psubench.render.figures.styles import Style

_MOST_TICKS = 10
_GROUP = 0.84  # width of a group of bars; 1 is the distance of two groups
_LABELS_PER_INCH = 3.4  # below a panel, without overlap
BAND: Mapping[str, Any] = {"color": "#999999", "alpha": 0.45, "linewidth": 0, "zorder": 1}
"""How the band of the noise looks."""
_SHORT = 1.05  # up to this ratio a bar is too short to show whose it is, and has a marker


def axis_label(rows: Sequence[SpeedRow]) -> str:
    """Names the reference, and what more than 1 means."""
    return f"simulation-time ratio\n{quotient(rows)} (> 1: faster)"


def quotient(rows: Sequence[SpeedRow]) -> str:
    """`t_lif / t_neuron`: the ratio, with the name of the reference."""
    references = {row.reference for row in rows}
    name = references.pop() if len(references) == 1 else "reference"
    return f"t_{name} / t_neuron"


def draw(axes: Any, rows: Sequence[SpeedRow], labels: Sequence[str], looks: dict[str, Style]) -> None:
    """Bars from 1 up to the ratio of what is faster, down to that of what is slower.

    Equal factors up and down are equally long. A case without a ratio has a word in its place.
    """
    Ts = sorted({row.T for row in rows})
    _noise(axes, rows, Ts)
    by_label: dict[str, dict[int, SpeedRow]] = {}
    for row in rows:
        by_label.setdefault(row.label, {})[row.T] = row
    for place, label in enumerate(labels):
        of_neuron = by_label.get(label, {})
        for group, T in enumerate(Ts):
            x = group + _GROUP * ((place + 0.5) / len(labels) - 0.5)
            if T in of_neuron:
                _bar(axes, x, _GROUP / len(labels), of_neuron[T], looks[label])
    axes.set_yscale("log", base=2)
    axes.axhline(1, color="black", linewidth=0.8, zorder=4)
    axes.set_xlim(-0.55, len(Ts) - 0.45)
    inches = axes.figure.get_figwidth() / axes.get_gridspec().ncols
    every = math.ceil(len(Ts) / (inches * _LABELS_PER_INCH))
    axes.set_xticks(
        range(len(Ts)), [str(T) if (i + 1 - len(Ts)) % every == 0 else "" for i, T in enumerate(Ts)]
    )
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", linewidth=0.4, color="#dddddd")
    axes.set_axisbelow(True)


def _noise(axes: Any, rows: Sequence[SpeedRow], Ts: Sequence[int]) -> None:
    """The band that the reference fills against itself, per T, behind the bars."""
    floors = noise(rows)
    for group, T in enumerate(Ts):
        if T in floors:
            high = 1 + floors[T]
            axes.fill_between([group - 0.5, group + 0.5], 1 / high, high, **BAND)


def noise(rows: Sequence[SpeedRow]) -> dict[int, float]:
    """The noise floor at each T: the largest of the rows."""
    floors: dict[int, float] = {}
    for row in rows:
        if row.noise_floor is not None:
            floors[row.T] = max(row.noise_floor, floors.get(row.T, 0.0))
    return floors


def _bar(axes: Any, x: float, width: float, row: SpeedRow, look: Style) -> None:
    if row.ratio is None:
        word = row.status if row.status != "ok" else "no ratio"
        axes.text(x, 1.03, word, rotation=90, ha="center", va="bottom", fontsize=7, color="#333333", zorder=5)
        return
    axes.bar(
        x, row.ratio - 1, width * 0.94, bottom=1, color=look.color, hatch=look.hatch, edgecolor="white",
        linewidth=0, zorder=2, label=row.label,
    )  # fmt: skip
    if row.ratio_low is not None and row.ratio_high is not None:
        error = ([row.ratio - row.ratio_low], [row.ratio_high - row.ratio])
        axes.errorbar(
            x, row.ratio, yerr=error, color="#555555", elinewidth=0.8, capsize=1.2, capthick=0.8, zorder=6
        )
    if 1 / _SHORT < row.ratio < _SHORT:
        face = "white" if look.hollow else look.color
        axes.plot(x, row.ratio, look.marker, markersize=2.8, color=look.color, markerfacecolor=face, zorder=5)


def handle(look: Style) -> Any:
    """What the legend shows for a bar."""
    from matplotlib.patches import Patch

    return Patch(facecolor=look.color, hatch=look.hatch, edgecolor="white", linewidth=0)


def same_limits(panels: Sequence[Any]) -> None:
    """One scale for all panels."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    lows, highs = zip(*(axes.get_ylim() for axes in panels), strict=True)
    found, low, high = ticks(min(lows), max(highs), _MOST_TICKS)
    for axes in panels:
        axes.set_ylim(low, high)
        axes.yaxis.set_major_locator(FixedLocator(found))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))


def ticks(low: float, high: float, most: int) -> tuple[list[float], float, float]:
    """Ticks of an axis of ratios with its ends, which are moved so that a tick stands on each side of 1.

    Powers of two, and between them where those are few; of less than a factor of 3, equal steps.
    """
    from matplotlib.ticker import MaxNLocator

    low, high = min(low, 0.98), max(high, 1.02)
    if high / low < 3:
        first, second, *_ = MaxNLocator(min(most, 6), steps=[1, 2, 5, 10]).tick_values(low, high)
        step = min(second - first, 0.5)
        every = [1 + step * number for number in range(-math.ceil(1 / step) + 1, math.ceil(high / step) + 1)]
    else:
        octaves = math.ceil(math.log2(high / low))
        apart = math.ceil(octaves / most)
        reach = apart * math.ceil(octaves / apart)
        factors = (1, 1.5) if high / low < 16 and 2 * octaves <= most else (1,)
        every = [2.0**n * factor for n in range(-reach, reach + 1, apart) for factor in factors]
    low = min(low, 0.98 * max(tick for tick in every if tick < 1 - 1e-9))
    high = max(high, 1.02 * min(tick for tick in every if tick > 1 + 1e-9))
    return [tick for tick in every if low <= tick <= high], low, high
