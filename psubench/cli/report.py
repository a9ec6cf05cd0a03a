"""`psubench report`: recorded runs as one web page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from psubench.cli import options as o

Folder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder to write to; default: the first run's.")
]


def report(runs: o.Runs = None, out: Folder = None) -> None:
    """Writes report.html, a self-contained page with every table and figure.

    Example: psubench report reports/speed-20261124-101500
    """
    from psubench.cli.saved_runs import or_latest
    from psubench.experiments.registry import parts as parts_of
    from psubench.records import jsonl
    from psubench.render.files import write_text
    from psubench.render.report import page

    chosen = or_latest(runs)
    records = [jsonl.read(jsonl.locate(run)) for run in chosen]
    folder = out or (chosen[0] if chosen[0].is_dir() else chosen[0].parent)
    write_text(page.render(parts_of(records), records), folder / page.NAME)
    print(folder / page.NAME)
