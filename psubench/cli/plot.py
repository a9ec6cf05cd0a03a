"""`psubench plot`: the figures of recorded runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from psubench.cli import options as o
from psubench.errors import PsubenchError

Formats = Annotated[str, typer.Option("--format", metavar="LIST", help="pdf, svg or png, or a list of them.")]
Folder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder to write to; default: the first run's.")
]


def plot(runs: o.Runs = None, format: Formats = "pdf,png", out: Folder = None) -> None:
    """Draws the figures of runs: times and time ratios (the paper's Figure 4), activity (Figure 5), accuracy.

    Example: psubench plot reports/speed-20261124-101500 --format svg
    """
    from psubench.cli.saved_runs import or_latest, runs_by_kind
    from psubench.render.figures.save import save

    formats = o.choices(format, ("pdf", "svg", "png"), "--format")
    chosen = or_latest(runs)
    folder = out or (chosen[0] if chosen[0].is_dir() else chosen[0].parent)
    figures = [figure for kind, found in runs_by_kind(chosen) for figure in kind.drawn(found)]
    if not figures:
        raise PsubenchError(
            "these runs contain nothing that has a figure", "psubench show prints what they contain"
        )
    for path in save(figures, folder, formats):
        print(path)
