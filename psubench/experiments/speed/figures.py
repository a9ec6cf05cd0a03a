"""Figures of `speed`: time, peak memory and share of the memory's speed against T, and the ratio per T."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psubench.errors import PsubenchError, one_line
from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired import frame, large
from psubench.experiments.paired.columns import Row, percent
from psubench.experiments.speed import bars, figure4, implementations
from psubench.render import escape
from psubench.render.export import write_bytes
from psubench.render.figures import lines
from psubench.render.figures.styles import Style, styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    "text.parse_math": False,  # the label of a neuron is text, with a dollar sign in it too
}
_METADATA = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
_MOST_BARS = 36  # that can be told apart in a panel of that width


def figures(rows: Sequence[Row]) -> list[tuple[str, Figure]]:
    """Figures by name, for each network, batch, device or run that differs.

    `time`, `ratio` and `memory`; of one layer `roofline`; where a neuron was measured in several
    implementations, `implementations`. Rows without a single
    measured time have no figure, and energy has none. Several networks have a
    `figure4` together.
    """
    rows = [row for row in paired_axes.distinct(rows) if row["kind"] == "speed"]
    looks = styles(row["label"] for row in rows)
    made = []
    with look():
        for setting, group in large.settings(rows, large.MOST_FIGURES).items():
            if any(row["median_s"] is not None for row in group):
                figure = _over_steps(group, looks, lines.TIME, "bars: 5 % to 95 % of the samples")
                made.append((paired_axes.file_name("time", setting), figure))
            if any(row["ratio"] is not None and not row["is_reference"] for row in group):
                made.append((paired_axes.file_name("ratio", setting), _ratio(group, looks)))
            if any(row["copy_share"] for row in group):
                made.append((paired_axes.file_name("roofline", setting), _roofline(group, looks)))
            if implementations.several(group):
                made.append((paired_axes.file_name("implementations", setting), implementations.draw(group)))
            if any(row["peak_memory_bytes"] for row in group):
                figure = _over_steps(group, looks, lines.MEMORY, "above what is held before the call")
                made.append((paired_axes.file_name("memory", setting), figure))
        if len(paired_axes.networks(rows)) > 1 and any(row["ratio"] is not None for row in rows):
            networks = list(paired_axes.networks(rows).values())[: large.MOST_SECTIONS]
            some = [row for group in networks for row in large.drawn(group, large.MOST_BARS)[0]]
            made.append(("figure4", figure4.draw(some, looks, _bars_mean(some))))
    return made


@contextmanager
def look() -> Iterator[None]:
    """What all figures of psubench have in common, for the time of drawing one; whatever matplotlibrc says.

    Raises:
        PsubenchError: matplotlib cannot be imported, which a file of the user's can prevent.
    """
    backend = os.environ.pop("MPLBACKEND", None)  # of a notebook; no figure of psubench is shown by one
    try:
        from matplotlib import rc_context, rcParamsDefault
    except Exception as error:
        raise PsubenchError(
            f"matplotlib cannot be imported: {one_line(f'{type(error).__name__}: {error}')}",
            "correct or remove the file matplotlibrc; psubench plot draws figures from a record",
        ) from error
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    own = {name: value for name, value in rcParamsDefault.items() if not name.startswith("backend")}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a box stands in its place
        with rc_context({**own, **LOOK}):
            yield


def save_beside(draw: Callable[[], Sequence[tuple[str, Figure]]], folder: Path) -> bool:
    """Writes figures beside a result that stands already, which no broken figure may cost; True if all are.

    Raises:
        PsubenchError: a file cannot be written.
    """
    try:
        return bool(save(draw(), folder, ("pdf", "png")))
    except PsubenchError:
        raise
    except Exception as error:  # of matplotlib's: the record and the tables are whole
        told = escape.terminal(one_line(f"{type(error).__name__}: {error}"))
        print(f"no figures: {told}; psubench plot {folder} draws them from the record", file=sys.stderr)  # noqa: T201
        return False


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
    paths = []
    for name, figure in figures:
        for format in formats:
            paths.append(folder / f"{name}.{format}")
            write_bytes(encoded(figure, format), paths[-1])
    return paths


def encoded(figure: Figure, format: str) -> bytes:
    """A figure as the bytes of a `pdf`, `svg` or `png` file; the same figure gives the same bytes."""
    from matplotlib.text import Text

    data = BytesIO()
    with look():
        for text in figure.findobj(Text):
            text.set_text(escape.printable(text.get_text()))  # others draw a box, or fail
        figure.savefig(data, format=format, dpi=300, metadata=_METADATA[format])
    return data.getvalue()


def _over_steps(rows: Sequence[Row], looks: dict[str, Style], quantity: lines.Quantity, mean: str) -> Figure:
    rows, left_out = large.drawn(rows, large.MOST_POINTS)
    figure, panels = frame.panels(rows, side_by_side=True, height=2.5)
    for axes, of_phase in panels:
        lines.draw(axes, of_phase, looks, quantity)
    panels[0][0].set_ylabel(quantity.axis)
    legend = paired_axes.labels([row for row in rows if row[quantity.value]])
    frame.frame(figure, rows, [(lines.handle(looks[label]), label) for label in legend], mean + left_out)
    return figure


def _roofline(rows: Sequence[Row], looks: dict[str, Style]) -> Figure:
    """Below the line of a copy: by how much a neuron is slower than its input and output take to move."""
    rows, left_out = large.drawn(rows, large.MOST_POINTS)
    figure, panels = frame.panels(rows, side_by_side=True, height=2.5)
    for axes, of_phase in panels:
        axes.axhline(1.0, color="#888888", linewidth=0.8)
        lines.draw(axes, of_phase, looks, lines.ROOF)
    panels[0][0].set_ylabel(lines.ROOF.axis)
    labels = paired_axes.labels([row for row in rows if row["copy_share"]])
    speeds = [row["copy_bytes_per_s"] / 1e9 for row in rows if row["copy_bytes_per_s"]]
    slow, fast = (f"{float(f'{speed:.2g}'):,g}" for speed in (min(speeds), max(speeds)))
    mean = f"100 %: a copy of the input, {slow} to {fast} GB/s read and written{left_out}"
    frame.frame(figure, rows, [(lines.handle(looks[label]), label) for label in labels], mean)
    return figure


def _ratio(rows: Sequence[Row], looks: dict[str, Style]) -> Figure:
    rows, left_out = large.drawn(rows, large.MOST_BARS)
    others = [row for row in rows if not row["is_reference"]]
    most = max(len([row for row in others if row["phase"] == phase]) for phase in paired_axes.phases(rows))
    figure, panels = frame.panels(rows, side_by_side=most <= _MOST_BARS, height=2.5)
    labels = paired_axes.labels(others)
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


def _bars_mean(rows: Sequence[Row]) -> str:
    floors = [row["noise_floor"] for row in rows if row["noise_floor"] is not None]
    ends = dict.fromkeys(f"±{percent(floor)}" for floor in (min(floors), max(floors))) if floors else {}
    found = f"({' to '.join(ends)})" if ends else "unknown"
    return f"bars: 95 % interval; grey: noise floor {found}"
