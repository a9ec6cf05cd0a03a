"""Figures: time against the number of steps, and the time ratio per number of steps (the paper's Fig. 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psubench.render import bars, groups, lines
from psubench.render.columns import Row, percent, unverified
from psubench.render.export import write_bytes
from psubench.render.styles import Style, styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS = {"train": "training", "infer": "testing"}
"""The paper's words for the phases, in its order."""
LOOK: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that a figure looks the same everywhere
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.5,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.8,
    "pdf.fonttype": 42,  # TrueType, which journals ask for; the default, Type 3, is refused by some
    "svg.hashsalt": "psubench",
}
_METADATA = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
_PANEL_WIDTH = 3.5  # inches: one column of a paper
_MOST_BARS = 36  # that can be told apart in a panel of that width


def figures(rows: Sequence[Row]) -> list[tuple[str, Figure]]:
    """Figures `time` and `ratio` by name; one pair for each batch, size, device or run that differs.

    Rows without a single measured time have no figure.
    """
    from matplotlib import rc_context

    rows = groups.distinct(rows)
    looks = styles(row["label"] for row in rows)
    made = []
    with rc_context(LOOK):
        for setting, group in groups.settings(rows).items():
            if any(row["median_s"] is not None for row in group):
                made.append((groups.file_name("time", setting), _time(group, looks)))
            if any(row["ratio"] is not None and not row["is_reference"] for row in group):
                made.append((groups.file_name("ratio", setting), _ratio(group, looks)))
    return made


def save(figures: Sequence[tuple[str, Figure]], folder: Path, formats: Sequence[str]) -> list[Path]:
    """Writes figures under their names; the same rows give the same bytes.

    Args:
        figures: name and figure.
        folder: made if it is not there.
        formats: of `pdf`, `svg` and `png`.

    Returns:
        The files, in order.

    Raises:
        PsubenchError: a file cannot be written.
    """
    from matplotlib import rc_context

    paths = []
    with rc_context(LOOK):
        for name, figure in figures:
            for format in formats:
                data = BytesIO()
                figure.savefig(data, format=format, dpi=300, metadata=_METADATA[format])
                paths.append(folder / f"{name}.{format}")
                write_bytes(data.getvalue(), paths[-1])
    return paths


def _time(rows: Sequence[Row], looks: dict[str, Style]) -> Figure:
    figure, panels = _panels(rows, side_by_side=True, height=2.5)
    for axes, of_phase in panels:
        lines.draw(axes, of_phase, looks)
    panels[0][0].set_ylabel("time per step")
    legend = groups.labels([row for row in rows if row["median_s"] is not None])
    _frame(
        figure,
        rows,
        [(lines.handle(looks[label]), label) for label in legend],
        "bars: 5 % to 95 % of the samples",
    )
    return figure


def _ratio(rows: Sequence[Row], looks: dict[str, Style]) -> Figure:
    others = [row for row in rows if not row["is_reference"]]
    most = max(len([row for row in others if row["phase"] == phase]) for phase in groups.phases(rows))
    figure, panels = _panels(rows, side_by_side=most <= _MOST_BARS, height=2.5)
    labels = groups.labels(others)
    for axes, of_phase in panels:
        bars.draw(axes, of_phase, labels, looks)
    for axes, _ in panels[:1] if most <= _MOST_BARS else panels:
        axes.set_ylabel(bars.axis_label(rows))
    bars.same_limits([axes for axes, _ in panels])
    _frame(
        figure, rows, [(bars.handle(looks[label]), label) for label in labels],
        f"bars: 95 % interval; grey: noise floor{_floors(rows)}",
    )  # fmt: skip
    return figure


def _floors(rows: Sequence[Row]) -> str:
    floors = [row["noise_floor"] for row in rows if row["noise_floor"] is not None]
    if not floors:
        return " unknown"
    ends = dict.fromkeys(f"±{percent(floor)}" for floor in (min(floors), max(floors)))
    return f" ({' to '.join(ends)})"


def _panels(
    rows: Sequence[Row], *, side_by_side: bool, height: float
) -> tuple[Figure, list[tuple[Any, list[Row]]]]:
    """A figure with an empty panel per phase, and the rows that belong into each."""
    from matplotlib.figure import Figure

    phases = [phase for phase in _PANELS if phase in groups.phases(rows)]
    across = len(phases) if side_by_side else 1
    down = 1 if side_by_side else len(phases)
    width = _PANEL_WIDTH * across if side_by_side else 2 * _PANEL_WIDTH
    figure = Figure(figsize=(width, height * down + 0.4), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, sharey=side_by_side).flat
    panels = []
    for axes, phase in zip(grid, phases, strict=True):
        axes.set_title(_PANELS[phase])
        axes.set_xlabel("number of time steps T")
        panels.append((axes, [row for row in rows if row["phase"] == phase]))
    return figure, panels


def _frame(figure: Figure, rows: Sequence[Row], entries: list[tuple[Any, str]], bars_mean: str) -> None:
    """Legend above the panels; below them what was measured, on what, and what the bars mean."""
    doubted = {row["label"] for row in rows if unverified(row)}
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

    facts = groups.shared(rows)
    words = [
        f"{name} {facts[name]}"
        for name in ("device", "dtype", "batch", "size", "threads", "data")
        if name in facts
    ]
    bad: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row["status"] != "ok":
            bad.setdefault((row["label"], row["phase"], row["status"]), []).append(str(row["T"]))
    missing = [
        f"{label}, {_PANELS[phase]}, T={','.join(Ts)}: {word}" for (label, phase, word), Ts in bad.items()
    ]
    sentences = [", ".join(words), bars_mean, *missing]
    if str(rows[0]["device"]).startswith("scripted"):
        sentences.insert(0, "scripted (fake clock), not a measurement")
    return textwrap.wrap("; ".join(sentences), width)
