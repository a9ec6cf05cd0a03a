"""The legend above the panels of a figure, in as many lines as its width asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

_LETTER = 0.055  # inches
_NARROW = 5.0  # inches


def above(figure: Any, entries: Sequence[tuple[Any, str]]) -> None:
    """Draws handles with their names above a figure, or above a part of one.

    Args:
        entries: handle and name.
    """
    width = figure.bbox.width / figure.dpi
    beside = 0.4 if width < _NARROW else 0.5  # inches of a handle with the gaps
    lines = math.ceil(sum(_LETTER * len(name) + beside for _, name in entries) / width)
    figure.legend(
        [handle for handle, _ in entries],
        [name for _, name in entries],
        loc="outside upper center",
        ncols=math.ceil(len(entries) / max(lines, 1)),
        frameon=False,
        handlelength=1.6 if width < _NARROW else 2.2,
        columnspacing=0.9 if width < _NARROW else 1.2,
        borderaxespad=0.2,
    )
