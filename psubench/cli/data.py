"""`psubench data`: which data sets are present, downloads, and examples."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from psubench.cli import options as o
from psubench.errors import PsubenchError, nearest

if TYPE_CHECKING:
    from psubench.data import DataSpec

app = typer.Typer(help="Lists, downloads and shows data sets.", rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A data set, as listed by psubench data list.")]
Mirror = Annotated[
    str | None,
    typer.Option(metavar="URL", help="URL of a folder with the same files, instead of the publisher's."),
]
Steps = Annotated[
    int | None,
    typer.Option("--T", min=1, help="Time steps; default: those of the recordings, else 10 or 100."),
]
Folder = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder of the figure; default: reports/data-NAME."),
]


@app.command(name="list")
def listed(json: o.Json = False) -> None:
    """Lists every data set: description, shape, source, and whether it is present.

    Example: psubench data list
    """
    from psubench.data import TABLE
    from psubench.render import listing

    listing.show([_facts(spec, json=json) for spec in TABLE.values()], json=json)


@app.command()
def get(name: Name, mirror: Mirror = None, quiet: o.Quiet = False) -> None:
    """Downloads a data set into the cache ($PSUBENCH_DATA), verifies it, and resumes broken downloads.

    Example: psubench data get shd
    """
    from psubench.data import TABLE, download

    if name not in TABLE:
        raise PsubenchError(f'unknown data set "{name}"', nearest(name, TABLE))
    with _bar(quiet=quiet) as progress:
        paths = download.get(TABLE[name], progress, mirror)
    for path in paths:
        print(path)


@app.command()
def show(name: Name, T: Steps = None, out: Folder = None, json: o.Json = False) -> None:
    """Shows facts of a data set, and draws one example of each class (the paper's Figure 3).

    Example: psubench data show fashion-mnist-events --T 10
    """
    from psubench.data import TABLE, examples, parse
    from psubench.render import listing
    from psubench.render.figures import dataset_examples as figures
    from psubench.render.figures.save import save

    ref = parse(name)
    drawn = examples.draw(ref, T)
    title = ref.name if drawn.note is None else f"{ref.name}: {drawn.note}"
    figure = figures.figure(drawn.x, drawn.classes, title, rows=drawn.rows)
    folder = out or Path("reports", "data-" + re.sub(r"[^\w.=-]+", "-", ref.name).strip("-"))
    paths = save([("examples", figure)], folder, ("pdf", "png"))
    about: dict[str, Any] = (
        _facts(TABLE[ref.kind], json=json) if not ref.is_plugin else {"data": name, "description": "plug-in"}
    )
    facts = {**about, **drawn.facts(), "figures": [str(path) for path in paths]}
    listing.show([facts if json else {**facts, "figures": ", ".join(facts["figures"])}], json=json)


def _facts(spec: DataSpec, *, json: bool) -> dict[str, Any]:
    """Facts from the table and from this machine about a data set."""
    from psubench.data import state

    here = state(spec.name)
    words: dict[str, Any] = {
        "data": spec.name,
        "description": spec.description,
        "real": spec.real,
        "shape": spec.shape,
        "classes": spec.classes,
        "source": spec.source,
        "licence": spec.licence,
    }
    if json:
        folder = str(here.folder) if here.folder else None
        return {
            **words,
            "state": here.state,
            "samples": here.samples,
            "folder": folder,
            "remedy": here.remedy,
        }
    known = {key: "-" if value is None else value for key, value in words.items()}
    return {**known, "state": str(here)}


def _bar(*, quiet: bool) -> Any:
    """A progress bar on stderr, as a context manager that gives the function to call."""
    from psubench.render.download_bar import bar

    return bar(sys.stderr, quiet=quiet)
