"""A quantity as a dot plot, a line per neuron and a panel per T: for one T, or many neurons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psubench.experiments.paired import frame, large
from psubench.experiments.speed import bars
from psubench.experiments.speed.rows import SpeedRow
from psubench.render.axes import MOST_SERIES, labels_of
from psubench.render.figures import lines
from psubench.render.figures.styles import Style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATIO = lines.Quantity(
    "simulation-time ratio", lambda row: row.ratio, (lambda row: row.ratio_low, lambda row: row.ratio_high),
    False, {"": 1.0},
)  # fmt: skip
LINE = 0.15  # inches
_PANEL, _NAMES = 0.85, 1.1
"""Inches: the least width of a panel, and the width of the names."""
_TICK = 0.42  # inches that a tick's label takes


def needed(rows: Sequence[SpeedRow]) -> bool:
    """Whether bars or lines over T would show rows badly."""
    return len({row.T for row in rows}) == 1 or len(labels_of(rows)) > MOST_SERIES


def figure(
    groups: Mapping[str, Sequence[SpeedRow]],
    quantity: lines.Quantity,
    looks: Mapping[str, Style],
    width: float,
    title: str,
) -> Figure:
    """Lines of panels, one per group, on one scale; of more T than there is room for, evenly spread ones.

    Args:
        groups: what stands beside a line of panels -> its rows.
        title: the quantity, above all panels.
    """
    from matplotlib.figure import Figure

    every = [row for rows in groups.values() for row in rows]
    labels = labels_of(every)
    Ts = large.spread(sorted({row.T for row in every}), max(1, int((width - _NAMES) / _PANEL)))
    size = (width, len(groups) * (LINE * len(labels) + 0.35) + 0.7)
    made = Figure(figsize=size, layout="constrained")
    grid = made.subplots(len(groups), len(Ts), squeeze=False, sharex=True, sharey=True)
    for across, (name, rows) in zip(grid, groups.items(), strict=True):
        across[0].set_ylabel(name)
        for axes, T in zip(across, Ts, strict=True):
            axes.set_title(f"T = {T}")
            draw(axes, rows, [(T, label) for label in labels], quantity, looks)
    scale(made.axes, quantity, int((width - _NAMES) / len(Ts) / _TICK))
    made.suptitle(title, fontsize=8)
    return made


def draw(
    axes: Any,
    rows: Sequence[SpeedRow],
    places: Sequence[tuple[int, str]],
    quantity: lines.Quantity,
    looks: Mapping[str, Style],
) -> None:
    """One panel.

    Args:
        places: T and label of each line, from the top; one without a label names its T.
    """
    axes.set_xscale("log")
    found = {(row.T, row.label): row for row in rows}
    if quantity is RATIO:
        _noise(axes, rows, places)
    for place, key in enumerate(places):
        if key in found:
            _dot(axes, place, found[key], quantity, looks[key[1]])
        if place and key[0] != places[place - 1][0]:
            axes.axhline(place - 0.5, color="#888888", linewidth=0.6)
    names = frame.names(rows, [label for _, label in places])
    texts = [name or f"T = {T}" for name, (T, _) in zip(names, places, strict=True)]
    axes.set_yticks(range(len(places)), texts)
    axes.set_ylim(len(places) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(linewidth=0.4, color="#dddddd")
    axes.set_axisbelow(True)


def _noise(axes: Any, rows: Sequence[SpeedRow], places: Sequence[tuple[int, str]]) -> None:
    floors = bars.noise(rows)
    for place, (T, _) in enumerate(places):
        if T in floors:
            axes.fill_betweenx([place - 0.5, place + 0.5], 1 / (1 + floors[T]), 1 + floors[T], **bars.BAND)
    axes.axvline(1, color="black", linewidth=0.8, zorder=2)


def _dot(axes: Any, place: int, row: SpeedRow, quantity: lines.Quantity, look: Style) -> None:
    value = quantity.value(row)
    if not value:
        word = row.status if row.status != "ok" else "unknown"
        where = axes.get_yaxis_transform()
        axes.text(0.02, place, word, transform=where, va="center", fontsize=7, color="#333333")
        return
    by = row.T if quantity.per_step else 1
    ends = [end for of in quantity.ends or () if (end := of(row)) is not None]
    error = [[abs(value - end) / by] for end in ends] if len(ends) == 2 else None
    style = lines.drawn(look) | {"linestyle": "none"}
    axes.errorbar(value / by, place, xerr=error, zorder=3, **lines.CAPS, **style)


def scale(panels: Sequence[Any], quantity: lines.Quantity, most: int) -> None:
    """One scale for panels, with at most so many ticks, but for one on each side of a ratio of 1."""
    from matplotlib.ticker import FixedLocator

    lows, highs = zip(*(axes.get_xlim() for axes in panels), strict=True)
    low, high = min(lows), max(highs)
    if quantity is RATIO:
        found, low, high = bars.ticks(low, high, max(most, 3))
    else:
        found = lines.ticks(low, high, quantity.units)
        found = found[:: max(1, -(-len(found) // max(most, 1)))]  # there may be none
    for axes in panels:
        axes.set_xlim(low, high)
        axes.minorticks_off()
        axes.xaxis.set_major_locator(FixedLocator(found))
        axes.xaxis.set_major_formatter(lines.formatter(quantity.units))
