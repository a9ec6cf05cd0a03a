"""Figures of `speed`: time, peak memory and share of the memory's speed against T, and the ratio per T;
dot plots where there is one T, or more neurons than a panel tells apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired import frame, large
from psubench.experiments.speed import bars, dots, figure4, implementations
from psubench.experiments.speed.rows import SpeedRow
from psubench.render.axes import PHASES, file_name, labels_of, phases_of
from psubench.render.figures import lines
from psubench.render.figures.save import look
from psubench.render.figures.styles import Style, styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 36  # that can be told apart in a panel of that width


def figures(rows: Sequence[SpeedRow]) -> list[tuple[str, Figure]]:
    """Figures by name, for each network, batch, device or run that differs.

    `time`, `ratio` and `memory`; of one layer `bandwidth`; where a neuron was measured in several
    implementations, `implementations`. Rows without a single
    measured time have no figure. Several networks have a `figure4` together.
    """
    rows = paired_axes.distinct(rows)
    looks = styles(row.label for row in rows)
    made = []
    with look():
        for setting, group in large.settings(rows, large.MOST_FIGURES).items():
            if any(row.median_s is not None for row in group):
                figure = _over_steps(group, looks, lines.TIME, "bars: 5 % to 95 % of the samples")
                made.append((file_name("time", setting), figure))
            if any(row.ratio is not None and not row.is_reference for row in group):
                made.append((file_name("ratio", setting), _ratio(group, looks)))
            if any(row.copy_share for row in group):
                figure = _over_steps(group, looks, lines.BANDWIDTH, _copy_speed(group))
                made.append((file_name("bandwidth", setting), figure))
            if implementations.several(group):
                made.append((file_name("implementations", setting), implementations.draw(group)))
            if any(row.peak_memory_bytes for row in group):
                figure = _over_steps(group, looks, lines.MEMORY, "above what is held before the call")
                made.append((file_name("memory", setting), figure))
    return [*made, *(("figure4", figure) for figure in overview(rows))]


def overview(rows: Sequence[SpeedRow]) -> list[Figure]:
    """The ratios of several networks in one figure, if there are several."""
    networks = list(paired_axes.networks(rows).values())[: large.MOST_SECTIONS]
    if len(networks) < 2 or all(row.ratio is None for row in rows):
        return []
    some = [row for group in networks for row in large.drawn(group, large.MOST_BARS)[0]]
    looks = styles(row.label for row in rows)
    with look():
        figure = figure4.draw(paired_axes.networks(some), looks, 2 * frame.PANEL_WIDTH)
        frame.foot(figure, some, figure4.marks(some))
    return [figure]


def _over_steps(
    rows: Sequence[SpeedRow], looks: dict[str, Style], quantity: lines.Quantity, mean: str
) -> Figure:
    if dots.needed(rows):
        return _dots(rows, looks, quantity, mean)
    rows, left_out = large.drawn(rows, large.MOST_POINTS)
    figure, panels = frame.panels(rows, side_by_side=True, height=2.5)
    for axes, of_phase in panels:
        if quantity is lines.BANDWIDTH:
            axes.axhline(1.0, color="#888888", linewidth=0.8)
        lines.draw(axes, of_phase, looks, quantity)
    panels[0][0].set_ylabel(quantity.axis)
    legend = labels_of([row for row in rows if quantity.value(row)])
    frame.frame(figure, rows, [(lines.handle(looks[label]), label) for label in legend], mean + left_out)
    return figure


def _dots(
    rows: Sequence[SpeedRow], looks: dict[str, Style], quantity: lines.Quantity, mean: str, title: str = ""
) -> Figure:
    """A line of panels for each phase."""
    few, left_out = large.drawn(rows, large.MOST_POINTS)
    phases = [phase for phase in PHASES if phase in phases_of(few)]
    groups = {PHASES[phase]: [row for row in few if row.phase == phase] for phase in phases}
    figure = dots.figure(groups, quantity, looks, 2 * frame.PANEL_WIDTH, title or quantity.axis)
    frame.foot(figure, few, mean + left_out)
    return figure


def _copy_speed(rows: Sequence[SpeedRow]) -> str:
    """What 100 % of a copy's bandwidth are: what a neuron takes longer than its input and output to move."""
    speeds = [row.copy_bytes_per_s / 1e9 for row in rows if row.copy_bytes_per_s]
    slow, fast = (f"{float(f'{speed:.2g}'):,g}" for speed in (min(speeds), max(speeds)))
    return f"100 %: a copy of the input, {slow} to {fast} GB/s read and written"


def _ratio(rows: Sequence[SpeedRow], looks: dict[str, Style]) -> Figure:
    others = [row for row in rows if not row.is_reference]
    if dots.needed(others):
        title = f"simulation-time ratio {bars.quotient(rows)} (> 1: faster)"
        return _dots(others, looks, dots.RATIO, figure4.marks(rows), title)
    rows, left_out = large.drawn(rows, large.MOST_BARS)
    others = [row for row in rows if not row.is_reference]
    most = max(len([row for row in others if row.phase == phase]) for phase in phases_of(rows))
    figure, panels = frame.panels(rows, side_by_side=most <= _MOST_BARS, height=2.5)
    labels = labels_of(others)
    for axes, of_phase in panels:
        bars.draw(axes, of_phase, labels, looks)
    for axes, _ in panels[:1] if most <= _MOST_BARS else panels:
        axes.set_ylabel(bars.axis_label(rows))
    bars.same_limits([axes for axes, _ in panels])
    entries = [(bars.handle(looks[label]), label) for label in labels]
    frame.frame(figure, rows, entries, figure4.marks(rows) + left_out)
    return figure
