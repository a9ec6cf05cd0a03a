"""Figures of trainings: learning curves, and accuracy against what the spikes cost."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psubench.experiments.accuracy.rows import TrainingRow
from psubench.experiments.written import Named, renamed
from psubench.render.axes import in_panels, labels_of
from psubench.render.figures import legend, lines
from psubench.render.figures.save import look
from psubench.render.figures.styles import Style, styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 3.5  # inches: one column of a paper
_HEIGHT = 2.6
_MOST_ACROSS = 2
_LEAST_WIDTH = 2.4  # inches of a panel in a figure of a given width


def figures(rows: Sequence[TrainingRow]) -> list[tuple[str, Figure]]:
    """Figures `curves` and `accuracy` by name, a panel per data set; none without a finished epoch.

    Args:
        rows: of `accuracy.summary`.
    """
    looks = styles(row.label for row in rows)
    made = []
    with look():
        if any(curve for row in rows for curve in row.curves):
            made.append(("curves", _figure(rows, looks, _curves, joined=True)))
        if any(row.spikes_per_sample is not None for row in rows):
            made.append(("accuracy", _figure(rows, looks, _costs, joined=False)))
    for name, figure in made:
        note = "\n".join(textwrap.wrap(_NOTES[name](rows), int(23 * figure.get_figwidth())))
        figure.supxlabel(note, fontsize=6, color="#444444")
    return made


def printed(rows: Sequence[TrainingRow], named: Named, width: float) -> tuple[str, Figure] | str:
    """Caption and figure for a paper, or why there is none."""
    if all(row.spikes_per_sample is None for row in rows):
        return "no run of psubench train or accuracy holds an accuracy with its spikes"
    looks = {named(label): style for label, style in styles(row.label for row in rows).items()}
    rows = renamed(rows, named)
    with look():
        figure = _figure(rows, looks, _costs, joined=False, width=width)
    failed = "".join(f"; {row.label} on {row.data}: {row.status}" for row in rows if row.accuracy is None)
    told = f"Accuracy on the test split against what the spikes of a sample cost; {_costs_mean(rows)}"
    return f"{told}{failed}.", figure


def _figure(
    rows: Sequence[TrainingRow],
    looks: Mapping[str, Style],
    draw: Any,
    *,
    joined: bool,
    width: float | None = None,
) -> Figure:
    """Panels of each data set, by `draw`: as many beside each other as fit.

    Args:
        joined: whether lines join the marks, of which a panel then holds a few neurons.
        width: in inches; by default a column of a paper for each panel.
    """
    from matplotlib.figure import Figure

    places = [
        (title, some)
        for title, of_data in _by_data(rows).items()
        for some in (in_panels(of_data) if joined else [of_data])
    ]
    across = min(len(places), _MOST_ACROSS if width is None else max(1, int(width / _LEAST_WIDTH)))
    down = math.ceil(len(places) / across)
    size = (width or _WIDTH * across, _HEIGHT * down + 0.3)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(down, across, squeeze=False)
    for axes in list(grid.flat)[len(places) :]:
        axes.set_axis_off()
    for axes, (title, some) in zip(grid.flat, places, strict=False):
        draw(axes, some, looks)
        axes.set(title=title, ylim=(None, min(100.0, axes.get_ylim()[1])))
        axes.grid(linewidth=0.4, color="#dddddd")
        axes.set_axisbelow(True)
    for axes in grid[:, 0]:
        axes.set_ylabel("test accuracy (%)")
    shown = looks if joined else {label: style._replace(dash="none") for label, style in looks.items()}
    legend.above(figure, [(lines.handle(shown[label]), label) for label in labels_of(rows)])
    return figure


def _by_data(rows: Sequence[TrainingRow]) -> dict[str, list[TrainingRow]]:
    found: dict[str, list[TrainingRow]] = {}
    for row in rows:
        name = str(row.data).rpartition("/")[2]  # a plug-in without its folder
        found.setdefault(f"{name}, T = {row.T}", []).append(row)
    return found


def _curves(axes: Any, rows: Sequence[TrainingRow], looks: Mapping[str, Style]) -> None:
    """Mean over the seeds per epoch, and the range of the seeds as a band."""
    for row in rows:
        style = looks[row.label]
        values: dict[int, list[float]] = {}
        for curve in row.curves:
            for epoch in curve:
                test = epoch.test
                values.setdefault(epoch.epoch, []).append(100 * test.correct / test.samples)
        epochs = sorted(values)
        mean = [statistics.fmean(values[e]) for e in epochs]
        axes.plot(epochs, mean, **lines.drawn(style), markevery=max(1, len(epochs) // 6), clip_on=False)
        low, high = [min(values[e]) for e in epochs], [max(values[e]) for e in epochs]
        axes.fill_between(epochs, low, high, color=style.color, alpha=0.15, linewidth=0)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)


def _costs(axes: Any, rows: Sequence[TrainingRow], looks: Mapping[str, Style]) -> None:
    """Accuracy against the estimated energy of a sample, or against its spikes where no energy is known."""
    energy = _energy_known(rows)
    for row in rows:
        if row.accuracy is None:
            continue
        percent, deviation = 100 * row.accuracy, None
        if row.accuracy_sd is not None:  # no accuracy is above 100 %
            deviation = [[100 * row.accuracy_sd], [min(100 * row.accuracy_sd, 100 - percent)]]
        x = (row.energy_pj_per_sample or 0.0) / 1e3 if energy else row.spikes_per_sample
        look = lines.drawn(looks[row.label]) | {"linestyle": "none"}
        axes.errorbar(x, percent, yerr=deviation, elinewidth=0.8, capsize=2, clip_on=False, **look)
    axes.set_xlabel("energy per sample (nJ, estimate)" if energy else "spikes per sample")
    known = any(row.accuracy is not None for row in rows)  # of an interrupted run perhaps none
    axes.set_xlim(0, (1.08 * axes.dataLim.x1 or 1) if known else 1)


def _energy_known(rows: Sequence[TrainingRow]) -> bool:
    return all(row.energy_pj_per_sample is not None for row in rows if row.accuracy is not None)


def _curves_mean(rows: Sequence[TrainingRow]) -> str:
    several = max(len(row.curves) for row in rows) > 1
    line = "line: mean over seeds, band: smallest to largest" if several else "line: a single seed"
    return f"{line}; accuracy after every epoch, no epoch chosen by it"


def _costs_mean(rows: Sequence[TrainingRow]) -> str:
    models = sorted({row.energy_model for row in rows if row.energy_model})
    what = f"energy by {', '.join(models)}" if _energy_known(rows) else "spikes of all layers"
    counts = sorted({row.n for row in rows if row.n})
    if counts[-1:] <= [1]:
        return f"a single seed (n = 1); after the last epoch; {what}"
    n = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
    return f"mean over seeds ({n}), bars: standard deviation; after the last epoch; {what}"


_NOTES = {"curves": _curves_mean, "accuracy": _costs_mean}
