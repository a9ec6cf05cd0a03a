"""Examples of a data set, one of each class (the paper's Figure 3): rasters, pictures or frames over time."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from psubench.render.figures.save import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CLASSES = 20
"""That a page shows; of CIFAR-100 and SSC, the first so many."""
_MOST_FRAMES = 10
"""Of one example, side by side; of more steps, so many are shown, evenly spaced."""
_WIDTH = 7.0  # inches: a page of a paper
_EVENTS = "red: ON events, blue: OFF events, black: both; the strongest 5 % are drawn alike"


def figure(x: NDArray[np.float32], classes: Sequence[str], title: str, *, rows: bool = False) -> Figure:
    """Draws examples x [T, N, *step] under the names of their N classes.

    A line of features per step gives a raster over time; three lines per step, colours, give the picture
    whose columns they are; two-dimensional steps give frames, in red and blue if they have two channels.

    Args:
        rows: whether the steps are the rows of a picture, which are drawn downwards.
    """
    from matplotlib.figure import Figure

    x, classes = x[:, :_MOST_CLASSES], classes[:_MOST_CLASSES]
    with look():
        made = Figure(figsize=(_WIDTH, 1.0), layout="constrained")
        if x.ndim < 5:
            _over_time(made, x, classes, rows=rows)
        elif (x == x[:1]).all():
            _pictures(made, x[0], classes)
        else:
            _frames(made, x, classes)
        made.suptitle("\n".join(textwrap.wrap(title, 110)), fontsize=8)
    return made


def _over_time(made: Figure, x: NDArray[np.float32], classes: Sequence[str], *, rows: bool) -> None:
    """A panel for each example; time to the right, or downwards for rows."""
    from matplotlib.ticker import MaxNLocator

    coloured = x.ndim == 4 and x.shape[2] == 3
    across = min(5, len(classes))
    height = 1.45 if coloured or rows or x[0, 0].size < 100 else 1.7
    made.set_size_inches(_WIDTH, height * math.ceil(len(classes) / across) + 0.5)
    grid = made.subplots(math.ceil(len(classes) / across), across, squeeze=False, sharex=True, sharey=True)
    limit, T = _limit(np.abs(x)), len(x)
    for place, axes in enumerate(grid.flat):
        if place >= len(classes):
            axes.set_axis_off()
            continue
        axes.set_title(classes[place], pad=3)
        if coloured:
            picture = _colours(x[:, place].transpose(2, 0, 1))
            axes.imshow(picture, aspect="auto", extent=(0.5, T + 0.5, len(picture) - 0.5, -0.5))
        else:
            _raster(axes, x[:, place].reshape(len(x), -1), limit, rows=rows)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    for axes in grid[-1]:
        axes.set_xlabel("feature" if rows else "step")
    for axes in grid[:, 0]:
        axes.set_ylabel("step" if rows else "row" if coloured else "feature")


def _raster(axes: Axes, x: NDArray[np.float32], limit: float, *, rows: bool) -> None:
    """One example [T, features] in grey, darker for more; steps count from 1."""
    T, features = x.shape
    axes.imshow(
        x if rows else x.T,
        aspect="auto",
        cmap="gray_r",
        vmin=min(0.0, float(x.min())),
        vmax=limit,
        origin="upper" if rows else "lower",
        interpolation="nearest",
        extent=(-0.5, features - 0.5, T + 0.5, 0.5) if rows else (0.5, T + 0.5, -0.5, features - 0.5),
    )


def _pictures(made: Figure, x: NDArray[np.float32], classes: Sequence[str]) -> None:
    """Pictures [N, C, H, W] that stand still."""
    across = min(5, len(classes))
    down = math.ceil(len(classes) / across)
    made.set_size_inches(_WIDTH, 1.5 * down + 0.5)
    grid = made.subplots(down, across, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, picture, name in zip(grid.flat, x, classes, strict=False):
        axes.imshow(_coloured(picture, _limit(picture)), interpolation="nearest")
        axes.set_title(name, pad=2)


def _frames(made: Figure, x: NDArray[np.float32], classes: Sequence[str]) -> None:
    """A line of frames [C, H, W] for each example x [T, N, C, H, W]."""
    shown = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_FRAMES)).round().astype(int))
    made.set_size_inches(_WIDTH, _WIDTH / len(shown) * len(classes) + 0.5)
    grid = made.subplots(len(classes), len(shown), squeeze=False)
    for place, line in enumerate(grid):
        limit = _limit(x[:, place])
        for axes, step in zip(line, shown, strict=True):
            axes.set_axis_off()
            axes.imshow(_coloured(x[step, place], limit), interpolation="nearest")
            if place == 0:
                axes.set_title(f"step {step + 1}", pad=2, fontsize=7)
        line[0].text(
            -0.06,
            0.5,
            classes[place],
            rotation=90,
            ha="right",
            va="center",
            transform=line[0].transAxes,
            fontsize=7,
        )
    if x.shape[2] == 2:
        made.supxlabel(_EVENTS, fontsize=6, color="#444444")


def _limit(x: NDArray[np.float32]) -> float:
    """Counts above it are drawn as it: else a few pixels would make all others pale."""
    positive = x[x > 0]
    return float(np.percentile(positive, 95)) if positive.size else 1.0


def _coloured(frame: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """One frame [C, H, W] as colours [H, W, 3]: OFF blue and ON red on white, RGB, or grey."""
    if len(frame) == 3:
        return _colours(frame.transpose(1, 2, 0))
    if len(frame) == 2:
        off, on = (frame / limit).clip(0, 1)
        return np.stack([1 - off, 1 - np.maximum(off, on), 1 - on], axis=-1)
    grey: NDArray[np.float32] = 1 - (frame[:1].transpose(1, 2, 0) / limit).clip(0, 1)
    return np.repeat(grey, 3, axis=-1)


def _colours(picture: Any) -> NDArray[np.float32]:
    """Normalised colours [H, W, 3], stretched to 0..1."""
    low, high = picture.min(), picture.max()
    stretched: NDArray[np.float32] = (picture - low) / (high - low or 1)
    return stretched
