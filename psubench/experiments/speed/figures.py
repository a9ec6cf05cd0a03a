"""Figures of `speed`: time, peak memory and share of the memory's speed against T, and the ratio per T."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired import frame, large
from psubench.experiments.speed import bars, figure4, implementations
from psubench.experiments.speed.rows import SpeedRow
from psubench.render.axes import file_name, labels_of, phases_of
from psubench.render.figures import lines
from psubench.render.figures.save import look
from psubench.render.figures.styles import Style, styles
from psubench.render.numbers import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 36  # that can be told apart in a panel of that width


def figures(rows: Sequence[SpeedRow]) -> list[tuple[str, Figure]]:
    """Figures by name, for each network, batch, device or run that differs.

    `time`, `ratio` and `memory`; of one layer `roofline`; where a neuron was measured in several
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
                made.append((file_name("roofline", setting), _roofline(group, looks)))
            if implementations.several(group):
                made.append((file_name("implementations", setting), implementations.draw(group)))
            if any(row.peak_memory_bytes for row in group):
                figure = _over_steps(group, looks, lines.MEMORY, "above what is held before the call")
                made.append((file_name("memory", setting), figure))
        if len(paired_axes.networks(rows)) > 1 and any(row.ratio is not None for row in rows):
            networks = list(paired_axes.networks(rows).values())[: large.MOST_SECTIONS]
            some = [row for group in networks for row in large.drawn(group, large.MOST_BARS)[0]]
            made.append(("figure4", figure4.draw(some, looks, _bars_mean(some))))
    return made


def _over_steps(
    rows: Sequence[SpeedRow], looks: dict[str, Style], quantity: lines.Quantity, mean: str
) -> Figure:
    rows, left_out = large.drawn(rows, large.MOST_POINTS)
    figure, panels = frame.panels(rows, side_by_side=True, height=2.5)
    for axes, of_phase in panels:
        lines.draw(axes, of_phase, looks, quantity)
    panels[0][0].set_ylabel(quantity.axis)
    legend = labels_of([row for row in rows if quantity.value(row)])
    frame.frame(figure, rows, [(lines.handle(looks[label]), label) for label in legend], mean + left_out)
    return figure


def _roofline(rows: Sequence[SpeedRow], looks: dict[str, Style]) -> Figure:
    """Below the line of a copy: by how much a neuron is slower than its input and output take to move."""
    rows, left_out = large.drawn(rows, large.MOST_POINTS)
    figure, panels = frame.panels(rows, side_by_side=True, height=2.5)
    for axes, of_phase in panels:
        axes.axhline(1.0, color="#888888", linewidth=0.8)
        lines.draw(axes, of_phase, looks, lines.ROOF)
    panels[0][0].set_ylabel(lines.ROOF.axis)
    labels = labels_of([row for row in rows if row.copy_share])
    speeds = [row.copy_bytes_per_s / 1e9 for row in rows if row.copy_bytes_per_s]
    slow, fast = (f"{float(f'{speed:.2g}'):,g}" for speed in (min(speeds), max(speeds)))
    mean = f"100 %: a copy of the input, {slow} to {fast} GB/s read and written{left_out}"
    frame.frame(figure, rows, [(lines.handle(looks[label]), label) for label in labels], mean)
    return figure


def _ratio(rows: Sequence[SpeedRow], looks: dict[str, Style]) -> Figure:
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
    frame.frame(
        figure, rows, [(bars.handle(looks[label]), label) for label in labels],
        _bars_mean(rows) + left_out,
    )  # fmt: skip
    return figure


def _bars_mean(rows: Sequence[SpeedRow]) -> str:
    floors = [row.noise_floor for row in rows if row.noise_floor is not None]
    ends = dict.fromkeys(f"±{percent(floor)}" for floor in (min(floors), max(floors))) if floors else {}
    found = f"({' to '.join(ends)})" if ends else "unknown"
    return f"bars: 95 % interval; grey: noise floor {found}"
