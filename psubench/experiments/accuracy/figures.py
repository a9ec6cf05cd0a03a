"""Figures of trainings: learning curves, and accuracy against what the spikes cost."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from psubench.experiments.accuracy.rows import TrainingRow
from psubench.render.axes import labels_of
from psubench.render.figures import lines
from psubench.render.figures.save import look
from psubench.render.figures.styles import Style, styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 3.5  # inches: one column of a paper
_HEIGHT = 2.6


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
    return made


def _figure(rows: Sequence[TrainingRow], looks: dict[str, Style], draw: Any, *, joined: bool) -> Figure:
    """A panel per data set, by `draw`; `joined` says whether lines join the marks."""
    from matplotlib.figure import Figure

    by_data: dict[str, list[TrainingRow]] = {}
    for row in rows:
        name = str(row.data).rpartition("/")[2]  # a plug-in without its folder
        by_data.setdefault(f"{name}, T={row.T}", []).append(row)
    figure = Figure(figsize=(_WIDTH * len(by_data), _HEIGHT + 0.3), layout="constrained")
    panels = figure.subplots(1, len(by_data), squeeze=False)[0]
    for axes, (title, of_data) in zip(panels, by_data.items(), strict=True):
        axes.set_title(title)
        axes.grid(linewidth=0.4, color="#dddddd")
        axes.set_axisbelow(True)
        note = draw(axes, of_data, looks)
    panels[0].set_ylabel("test accuracy (%)")
    labels = labels_of(rows)
    handles = [lines.handle(looks[label]) for label in labels]
    for handle in [] if joined else handles:
        handle.set_linestyle("none")
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=min(len(labels), 3 * len(by_data) + 2),
        frameon=False,
    )
    lines_of_note = textwrap.wrap(note, int(23 * figure.get_figwidth()))
    figure.supxlabel("\n".join(lines_of_note), fontsize=6, color="#444444")
    return figure


def _drawn(look: Style) -> dict[str, Any]:
    face = "white" if look.hollow else look.color
    return {"color": look.color, "marker": look.marker, "markerfacecolor": face, "markeredgewidth": 0.8}


def _curves(axes: Any, rows: Sequence[TrainingRow], looks: dict[str, Style]) -> str:
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
        axes.plot(epochs, mean, **_drawn(style), linestyle=style.dash, markevery=max(1, len(epochs) // 6))
        low, high = [min(values[e]) for e in epochs], [max(values[e]) for e in epochs]
        axes.fill_between(epochs, low, high, color=style.color, alpha=0.15, linewidth=0)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    return (
        "line: mean over seeds, band: smallest to largest; accuracy after every epoch, no epoch chosen by it"
    )


def _costs(axes: Any, rows: Sequence[TrainingRow], looks: dict[str, Style]) -> str:
    """Accuracy against the estimated energy of a sample, or against its spikes where no energy is known."""
    energy = all(row.energy_pj_per_sample is not None for row in rows if row.accuracy is not None)
    label = "energy per sample (nJ, estimate)" if energy else "spikes per sample"
    for row in rows:
        if row.accuracy is not None:
            deviation = None if row.accuracy_sd is None else 100 * row.accuracy_sd
            x = (row.energy_pj_per_sample or 0.0) / 1e3 if energy else row.spikes_per_sample
            axes.errorbar(
                x, 100 * row.accuracy, yerr=deviation, linestyle="none", elinewidth=0.8, capsize=2,
                **_drawn(looks[row.label]),
            )  # fmt: skip
    axes.set_xlabel(label)
    axes.set_xlim(0, 1.08 * axes.dataLim.x1 or 1)
    models = sorted({row.energy_model for row in rows if row.energy_model})
    what = f"energy by {', '.join(models)}" if energy else "spikes of all layers"
    counts = sorted({row.n for row in rows})
    n = f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"
    return f"mean over seeds ({n}), bars: standard deviation; after the last epoch; {what}"
