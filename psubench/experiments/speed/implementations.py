"""Time per element over T, a panel per neuron: what is the neuron's speed, what the implementation's?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from psubench.experiments.paired import frame
from psubench.experiments.speed.rows import SpeedRow
from psubench.render.axes import PHASES, labels_of, phases_of
from psubench.render.figures import lines
from psubench.render.figures.styles import Style
from psubench.render.numbers import SECONDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOOKS = (
    Style("#000000", "o", "-", ""),
    Style("#D55E00", "^", "-", ""),
    Style("#0072B2", "s", (0, (4, 1)), ""),
    Style("#009E73", "D", (0, (5, 1, 1, 1)), ""),
    Style("#CC79A7", "v", (0, (1, 1)), ""),
)
_COPY = Style("#888888", "", (0, (2, 1)), "")
_MOST_ACROSS = 4
_PANEL = (1.75, 1.55)  # inches


def _element_s(row: SpeedRow) -> float | None:
    """Seconds per element of the layer and step."""
    return row.median_s / _elements(row) if row.median_s else None


_TIME = lines.Quantity("time per element", _element_s, None, False, SECONDS)


def several(rows: Sequence[SpeedRow]) -> bool:
    """Whether any neuron was measured in more than one implementation, each as one layer."""
    return any(len(names) > 1 for names in _families(rows).values())


def draw(rows: Sequence[SpeedRow]) -> Figure:
    """The figure: rows of panels per phase, every panel with the copy below which nothing can be.

    Args:
        rows: of one size and batch.
    """
    from matplotlib.figure import Figure

    families = [name for name, found in _families(rows).items() if len(found) > 1]
    phases = [phase for phase in PHASES if phase in phases_of(rows)]
    across = min(_MOST_ACROSS, len(families))
    down = math.ceil(len(families) / across)
    size = (max(frame.PANEL_WIDTH, _PANEL[0] * across), _PANEL[1] * down * len(phases) + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(down * len(phases), across, squeeze=False, sharex=True, sharey=True)
    shown = [replace(row, label=row.implementation) for row in rows if row.size is not None]
    looks = _looks(shown, families)
    for number, phase in enumerate(phases):
        panels = list(grid[number * down : (number + 1) * down].flat)
        for axes, family in zip(panels, families, strict=False):
            _panel(axes, [row for row in shown if (row.phase, _family(row)) == (phase, family)], looks)
            axes.set_title(f"{family}, {PHASES[phase]}")
        for axes in panels[len(families) :]:
            axes.remove()
        for axes in panels[max(0, len(families) - across) : len(families)]:
            axes.set_xlabel("T")
            axes.tick_params(labelbottom=True)
        for row_of_panels in grid[number * down : (number + 1) * down]:
            row_of_panels[0].set_ylabel(_TIME.axis)
    lines.same_limits(figure.axes, _TIME)
    entries = [(lines.handle(look), name) for name, look in looks.items()]
    frame.frame(
        figure, rows, [*entries, (lines.handle(_COPY), "copy")], "copy: what must be moved, at its speed"
    )
    return figure


def _families(rows: Sequence[SpeedRow]) -> dict[str, list[str]]:
    """Implementations by neuron, of those that were timed."""
    found: dict[str, list[str]] = {}
    for row in rows:
        names = found.setdefault(_family(row), [])
        if row.size is not None and row.median_s is not None and row.implementation not in names:
            names.append(row.implementation)
    return found


def _family(row: SpeedRow) -> str:
    return str(row.neuron)


def _elements(row: SpeedRow) -> int:
    return row.T * row.batch * (row.size or 1)


def _copied_s(row: SpeedRow) -> float | None:
    """Seconds per element in which a copy moves what a call must move."""
    if not row.copy_share or not row.least_bytes or not row.copy_bytes_per_s:
        return None
    return row.least_bytes / row.copy_bytes_per_s / _elements(row)


def _looks(rows: Sequence[SpeedRow], families: Sequence[str]) -> dict[str, Style]:
    names = labels_of([row for row in rows if _family(row) in families])
    return {name: _LOOKS[number % len(_LOOKS)] for number, name in enumerate(names)}


def _panel(axes: Any, rows: Sequence[SpeedRow], looks: dict[str, Style]) -> None:
    if not rows:
        return
    copied = {row.T: seconds for row in rows if (seconds := _copied_s(row))}
    if copied:
        axes.plot(
            sorted(copied), [copied[T] for T in sorted(copied)], color=_COPY.color, linestyle=_COPY.dash
        )
    lines.draw(axes, rows, looks, _TIME)
