"""Figures of a page: a panel each, so that two stand side by side where there is room, and on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psubench.experiments.speed import bars, figures
from psubench.experiments.speed.rows import SpeedRow
from psubench.render.axes import PHASES, phases_of
from psubench.render.figures import lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ORDER = ("ratio", "time", "bandwidth", "implementations", "memory")
_QUANTITIES = {"time": lines.TIME, "bandwidth": lines.BANDWIDTH, "memory": lines.MEMORY}


def by_phase(rows: Sequence[SpeedRow]) -> list[tuple[str, str, Figure]]:
    """Name as in `ORDER`, phase, and figure, for rows that differ in neuron, T, phase and mode only.

    Without the footer, whose facts stand beside the figure; but a fake clock is told of in the figure.
    """
    found = []
    for phase in (phase for phase in PHASES if phase in phases_of(rows)):
        found += [(name, phase, f) for name, f in figures.figures([r for r in rows if r.phase == phase])]
    if not str(rows[0].device).startswith("scripted"):
        for _, _, figure in found:
            figure.supxlabel("")
    found.sort(key=lambda entry: ORDER.index(entry[0]))
    for name in ORDER:
        # A dot plot, which has a title, has its own scale.
        axes = [f.axes[0] for other, _, f in found if other == name and not f.get_suptitle()]
        if len(axes) > 1 and name in _QUANTITIES:
            lines.same_limits(axes, _QUANTITIES[name])
        elif len(axes) > 1 and name == "ratio":
            bars.same_limits(axes)
    return found
