"""`psubench plot`: the figures of recorded runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from psubench.cli import options as o

Formats = Annotated[str, typer.Option("--format", metavar="LIST", help="pdf, svg, png.")]
Folder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="The first run's folder by default.")
]


def plot(runs: o.Runs, format: Formats = "pdf,png", out: Folder = None) -> None:
    """Draws time and time ratio against T (the paper's Figure 4), or what a profile shows.

    Example: psubench plot reports/speed-20261124-101500 --format svg
    """
    from psubench.cli.reading import runs_by_kind
    from psubench.render import plots, profile_plots

    formats = o.choices(format, ("pdf", "svg", "png"), "--format")
    folder = out or (runs[0] if runs[0].is_dir() else runs[0].parent)
    for kind, found in runs_by_kind(runs).items():
        drawn = profile_plots.figures(found) if kind == "profile" else plots.figures(found)
        for path in plots.save(drawn, folder, formats):
            print(path)
