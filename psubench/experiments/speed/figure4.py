"""The paper's Figure 4: the time ratio of each neuron, a row of panels per network, a column per phase."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired import frame
from psubench.experiments.speed import bars
from psubench.experiments.speed.rows import SpeedRow
from psubench.render.axes import PHASES, labels_of, phases_of
from psubench.render.figures.styles import Style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT = 2.1  # inches per row of panels


def draw(rows: Sequence[SpeedRow], looks: Mapping[str, Style], bars_mean: str) -> Figure:
    """All networks of a run in one figure. A serial neuron that ran step by step is a bar of its own.

    Args:
        bars_mean: of the footer.
    """
    from matplotlib.figure import Figure

    networks = paired_axes.networks(rows)
    phases = [phase for phase in PHASES if phase in phases_of(rows)]
    others = [row for row in rows if not row.is_reference]
    labels = labels_of(others)
    figure = Figure(
        figsize=(frame.PANEL_WIDTH * len(phases), _HEIGHT * len(networks) + 0.5), layout="constrained"
    )
    grid = figure.subplots(len(networks), len(phases), squeeze=False)
    for across, (title, some) in zip(grid, networks.items(), strict=True):
        drawn = []
        for axes, phase in zip(across, phases, strict=True):
            of_phase = [row for row in some if row.phase == phase]
            if not any(row.ratio is not None for row in of_phase):
                axes.set_axis_off()
                continue
            axes.set_title("\n".join(textwrap.wrap(f"{PHASES[phase]}: {title}", 58)), fontsize=7)
            bars.draw(axes, of_phase, labels, dict(looks))
            axes.set_xlabel("number of time steps T")
            drawn.append(axes)
        if drawn:
            bars.same_limits(drawn)
            drawn[0].set_ylabel(bars.axis_label(some))
    entries = [(bars.handle(looks[label]), label) for label in labels]
    frame.frame(figure, rows, entries, bars_mean)
    return figure
