"""What surrounds the panels of a figure: titles, legend, and a footer that says what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired.axes import R
from psubench.experiments.paired.rows import Row, unverified
from psubench.render.axes import PHASES, phases_of

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
    doubted = {row.label for row in rows if unverified(row)}
    names = [f"{label} (unverified)" if label in doubted else label for _, label in entries]
    width = figure.get_figwidth()
    lines_of_legend = math.ceil(sum(0.055 * len(name) + 0.55 for name in names) / width)
    figure.legend(
        [handle for handle, _ in entries],
        names,
        loc="outside upper center",
        ncols=math.ceil(len(names) / lines_of_legend),
        frameon=False,
        handlelength=2.2,
        columnspacing=1.2,
        borderaxespad=0.2,
    )
    figure.supxlabel("\n".join(footer(rows, bars_mean, int(width * 23))), fontsize=6, color="#444444")


def footer(rows: Sequence[Row], bars_mean: str, width: int) -> list[str]:
    """Lines of at most `width` letters: what is equal in all rows, what the bars mean, what is missing."""
    import textwrap

    facts = paired_axes.shared(rows)
    words = [
        f"{name} {facts[name]}"
        for name in ("model", "data", "device", "dtype", "batch", "size", "threads", "mode")
        if name in facts
    ]
    bad: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row.status != "ok":
            bad.setdefault((row.label, row.phase, row.status), []).append(str(row.T))
    missing = [
        f"{label}, {PHASES[phase]}, T={','.join(Ts)}: {word}" for (label, phase, word), Ts in bad.items()
    ]
    sentences = [", ".join(words), bars_mean, *missing]
    if str(rows[0].device).startswith("scripted"):
        sentences.insert(0, "scripted (fake clock), not a measurement")
    return textwrap.wrap("; ".join(sentences), width)
