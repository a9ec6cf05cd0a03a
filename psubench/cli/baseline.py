"""`psubench baseline`: the record that later runs are compared with."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from psubench.cli import options as o
from psubench.cli.compare import SuiteFile

app = typer.Typer(help="The record that later runs are compared with.", rich_markup_mode=None)
Limit = Annotated[str, typer.Option(metavar="PERCENT", help="Largest noise floor that is accepted.")]
Folder = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the baseline is kept.")]


@app.callback()
def _several() -> None:
    """Keeps `update` a separate command although it is the only one."""


@app.command()
def update(
    suite: SuiteFile = None,
    device: o.Device = None,
    processes: o.Processes = 5,
    limit: Limit = "3%",
    seed: o.Seed = 0,
    out: Folder = Path("reports", "baseline"),
    quiet: o.Quiet = False,
) -> None:
    """Measures the suite and keeps it as the baseline, unless a case fails or the machine is too noisy.

    Example: psubench baseline update

    Later psubench compare reports/baseline reports/ci-20261124-101500 shows what has changed since.
    """
    from psubench.cli.compare_git import ci_suite
    from psubench.compare import baseline
    from psubench.devices import resolve
    from psubench.experiments import suite_file
    from psubench.records.jsonl import WORK
    from psubench.render.progress import watch
    from psubench.runs.blocks import Blocks
    from psubench.runs.campaign import Campaign
    from psubench.runs.case import NEVER_EARLY

    share = o.share(limit, "--limit")
    asked = suite_file.read(ci_suite(suite))
    blocks = asked.blocks(resolve(device))
    settings = replace(asked.how(), processes=processes, precision=NEVER_EARLY, seed=seed, passes=(WORK,))
    with tempfile.TemporaryDirectory(dir=_parent(out)) as measured, watch(quiet=quiet) as watcher:
        if not Campaign(Blocks(blocks, settings), Path(measured), False, watcher).run():
            raise KeyboardInterrupt
        floor = baseline.replace(Path(measured), out, share)
    print(f"baseline: {out}, {sum(len(b.entries) for b in blocks)} cases, noise floor {100 * floor:.1f} %")


def _parent(out: Path) -> Path:
    """The parent of the baseline's folder: on the same disk, so that it can be moved in one step."""
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.parent
