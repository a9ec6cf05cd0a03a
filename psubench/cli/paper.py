"""`psubench paper`: the figures and tables of a paper from recorded runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from psubench.cli import options as o

Width = Annotated[
    float, o.number("inches", "Width of the figures as they are printed, and of a column.", 2.5, 7.5)
]
Labels = Annotated[
    str, typer.Option(metavar="NAME", help="Names of neurons: paper (PSU, LIF) or psubench (psu, lif).")
]
Folder = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder to write to; default: paper/ in the first run's."),
]


def paper(runs: o.Runs = None, width: Width = 3.4, labels: Labels = "paper", out: Folder = None) -> None:
    """Writes figures, LaTeX tables and captions for a paper: Figure 4, Figure 5, accuracy.

    Example: psubench paper reports/speed-20261124-101500 --width 3.4
    """
    from psubench.cli.saved_runs import or_latest
    from psubench.experiments.papers import contents
    from psubench.experiments.written import written
    from psubench.records import jsonl
    from psubench.render.paper import NAME, save

    named = written if o.choice(labels, ("paper", "psubench"), "--labels") == "paper" else str
    chosen = or_latest(runs)
    folder = out or (chosen[0] if chosen[0].is_dir() else chosen[0].parent) / NAME
    made, missing = contents([jsonl.read(jsonl.locate(run)) for run in chosen], named, width)
    for path in save(made, folder, width):
        print(path)
    if missing:
        print(f"not drawn: {', '.join(missing)}", file=sys.stderr)
