"""What surrounds the panels of a figure: titles, legend, and a footer that says what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired.axes import R
from psubench.experiments.paired.rows import Row, unverified
from psubench.render.axes import PHASES, phases_of
from psubench.render.figures import legend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL_WIDTH = 3.5  # inches: one column of a paper


def panels(
    rows: Sequence[R], *, side_by_side: bool, height: float
) -> tuple[Figure, list[tuple[Any, list[R]]]]:
    """A figure with an empty panel per phase, and the rows that belong into each."""
    from matplotlib.figure import Figure

    phases = [phase for phase in PHASES if phase in phases_of(rows)]
    across = len(phases) if side_by_side else 1
    down = 1 if side_by_side else len(phases)
    width = PANEL_WIDTH * across if side_by_side else 2 * PANEL_WIDTH
    figure = Figure(figsize=(width, height * down + 0.4), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, sharey=side_by_side).flat
    made = []
    for axes, phase in zip(grid, phases, strict=True):
        axes.set_title(PHASES[phase])
        axes.set_xlabel("number of time steps T")
        made.append((axes, [row for row in rows if row.phase == phase]))
    return figure, made


def frame(figure: Figure, rows: Sequence[Row], entries: list[tuple[Any, str]], bars_mean: str) -> None:
    """Legend above the panels; below them what was measured, on what, and what the bars mean."""
    shown = names(rows, [label for _, label in entries])
    legend.above(figure, [(handle, name) for (handle, _), name in zip(entries, shown, strict=True)])
    foot(figure, rows, bars_mean)


def foot(figure: Figure, rows: Sequence[Row], bars_mean: str) -> None:
    """Below the panels: what was measured, on what, and what the bars mean."""
    width = int(figure.get_figwidth() * 23)
    figure.supxlabel("\n".join(footer(rows, bars_mean, width)), fontsize=6, color="#444444")


def names(rows: Sequence[Row], labels: Sequence[str]) -> list[str]:
    """Labels, with a mark where no reference has confirmed the spikes."""
    doubted = {row.label for row in rows if unverified(row)}
    return [f"{label} (unverified)" if label in doubted else label for label in labels]


def footer(rows: Sequence[Row], bars_mean: str, width: int) -> list[str]:
    """Lines of at most `width` letters: what is equal in all rows, what the bars mean, what is missing."""
    import textwrap

    facts = paired_axes.shared(rows)
    words = [
        f"{name} {facts[name]}"
        for name in ("model", "data", "device", "dtype", "batch", "size", "threads", "mode")
        if name in facts
    ]
    sentences = [", ".join(words), bars_mean, *without(rows)]
    if str(rows[0].device).startswith("scripted"):
        sentences.insert(0, "scripted (fake clock), not a measurement")
    return textwrap.wrap("; ".join(sentences), width)


def without(rows: Sequence[Row]) -> list[str]:
    """The cases that have no number, with their statuses."""
    bad: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row.status != "ok":
            bad.setdefault((row.label, row.phase, row.status), []).append(str(row.T))
    return [f"{label}, {PHASES[phase]}, T={','.join(Ts)}: {word}" for (label, phase, word), Ts in bad.items()]
