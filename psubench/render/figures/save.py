"""What all figures have in common: their look, and how they become files."""

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
from psubench.render import escape
from psubench.render.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOOK: Any = {
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
        with rc_context({**own, **_LOOK}):
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
        print(f"no figures: {told}; psubench plot {folder} draws them from the record", file=sys.stderr)
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
