"""One neuron over commits or dates: its time ratio and its work, a line per T; what has changed is ringed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from psubench.compare.history import HistoryRow
from psubench.render.axes import PHASES, phases_of
from psubench.render.figures import legend
from psubench.render.figures.lines import CAPS, drawn, handle
from psubench.render.figures.save import look
from psubench.render.figures.styles import Style, styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_QUANTITIES = ("ratio", "operators", "bytecodes", "allocated_bytes")
_LABELS = {"operators": "operators", "bytecodes": "bytecodes", "allocated_bytes": "allocated\nbytes"}
_WORSE = ("v", "#a8231b")
_RINGS = {
    **dict.fromkeys(("slower", "more work", "more memory", "changed"), _WORSE), "faster": ("^", "#0a6b3d"),
}  # fmt: skip
_RING = ("o", "#555555")
_MOST_LABELS = 8
MARKS = (
    "ringed: changed since the point before it (red, down: slower, more work or memory, other results;"
    " green, up: faster; grey: other work)"
)


def figure(rows: Sequence[HistoryRow], places: Sequence[tuple[str, str]]) -> Figure | None:
    """A column of panels per phase, a panel per quantity that is known; None if none is.

    Args:
        rows: of one neuron, which differ in place, phase and T only.
        places: id of each place and its label on the axis, in order.
    """
    from matplotlib.figure import Figure

    phases = [phase for phase in PHASES if phase in phases_of(rows)]
    known = [name for name in _QUANTITIES if any(getattr(row, name) is not None for row in rows)]
    if not known or not phases:
        return None
    order = {at: x for x, (at, _) in enumerate(places)}
    looks = styles(f"T = {row.T}" for row in rows)
    with look():
        made = Figure(figsize=(3.3 * len(phases), 1.25 * len(known) + 0.9), layout="constrained")
        grid = made.subplots(len(known), len(phases), squeeze=False, sharex=True, sharey="row")
        for across, phase in enumerate(phases):
            grid[0][across].set_title(PHASES[phase])
            for down, name in enumerate(known):
                _panel(grid[down][across], [row for row in rows if row.phase == phase], name, order, looks)
            _dates(grid[-1][across], [label for _, label in places])
        for down, name in enumerate(known):
            grid[down][0].set_ylabel(_LABELS.get(name) or f"t_{_reference(rows)} / t")
        legend.above(made, [(handle(one), label) for label, one in looks.items()])
    return made


def _reference(rows: Sequence[HistoryRow]) -> str:
    return next((row.reference for row in rows if row.reference), "reference")


def _panel(
    axes: Any, rows: Sequence[HistoryRow], name: str, order: dict[str, int], looks: dict[str, Style]
) -> None:
    """A line per T with gaps where nothing is known; intervals of ratios."""
    for T in sorted({row.T for row in rows if row.T is not None}):
        of_line = {order[row.at]: row for row in rows if row.T == T}
        points = [of_line.get(x) for x in range(len(order))]
        ys = [math.nan if (y := getattr(row, name, None)) is None else float(y) for row in points]
        bars = [
            [abs(y - _end(row, end, y)) for row, y in zip(points, ys, strict=True)] for end in ("low", "high")
        ]
        axes.errorbar(
            range(len(order)), ys, yerr=bars if name == "ratio" else None, **CAPS, **drawn(looks[f"T = {T}"])
        )
        for x, row in of_line.items():
            ringed = row.marked if name == "ratio" else row.work is not None
            if ringed and not math.isnan(ys[x]):
                marker, colour = _RINGS.get(row.verdict, _RING)
                axes.plot(x, ys[x], marker, markersize=9, fillstyle="none", color=colour, zorder=5)
    axes.set_xlim(-0.5, len(order) - 0.5)
    axes.grid(axis="y", linewidth=0.4, color="#dddddd")
    axes.set_axisbelow(True)
    axes.margins(y=0.2)


def _end(row: HistoryRow | None, end: str, y: float) -> float:
    value = getattr(row, f"ratio_{end}", None)
    return y if value is None else float(value)


def _dates(axes: Any, labels: Sequence[str]) -> None:
    every = math.ceil(len(labels) / _MOST_LABELS)
    shown = [label if (len(labels) - 1 - x) % every == 0 else "" for x, label in enumerate(labels)]
    axes.set_xticks(range(len(labels)), shown, rotation=45, ha="right", fontsize=6)
