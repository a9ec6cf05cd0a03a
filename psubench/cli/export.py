"""`psubench export`: recorded runs as csv, json, markdown or latex."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from psubench.cli import options as o
from psubench.cli import streams

Format = Annotated[
    str,
    typer.Option(
        "--format", metavar="NAME", help="csv, json, markdown, latex, github-action-benchmark or bencher."
    ),
]
File = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="File to write; default: standard output.")
]


def export(runs: o.Runs = None, format: Format = "csv", out: File = None) -> None:
    """Writes the rows of runs for other programs and for papers.

    Example: psubench export reports/speed-20261124-101500 --format latex --out table.tex
    """
    from psubench.cli.saved_runs import one_kind, or_latest
    from psubench.experiments.registry import KINDS
    from psubench.render.export import FORMATS
    from psubench.render.files import write_text

    known = (*FORMATS, *(more for kind in KINDS.values() for more in kind.formats))
    chosen = o.choice(format, known, "--format")
    kind, found = one_kind(or_latest(runs))
    text = kind.export(found, chosen)
    if out is None:
        streams.write_utf8(text)
    else:
        write_text(text, out)
