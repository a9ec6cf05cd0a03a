"""`psubench run`: the cases of a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from psubench.cli import options as o
from psubench.suite import LARGEST_SEED

SuiteFile = Annotated[Path, typer.Argument(metavar="SUITE", help="A TOML file, such as suites/smoke.toml.")]
_HERE = "instead of the suite's"


Processes = Annotated[int | None, typer.Option(min=1, help=f"Worker processes per block, {_HERE}.")]
Precision = Annotated[str | None, typer.Option(metavar="PERCENT", help=f"Interval width, {_HERE}.")]
MaxSeconds = Annotated[float | None, typer.Option(min=0.01, help=f"Seconds per block, {_HERE}.")]
Threads = Annotated[int | None, typer.Option(min=1, help=f"Threads of a worker, {_HERE}.")]
Seed = Annotated[
    int | None, typer.Option(min=0, max=LARGEST_SEED, help=f"Of input, weights and order, {_HERE}.")
]
_DEFAULTS = {
    "processes": 5, "precision": "2%", "max_seconds": 1.5, "timeout": 120.0, "max_memory": None, "seed": 0,
    "memory": True, "threads": 1,
}  # fmt: skip


def run(
    suite: SuiteFile,
    device: o.Device = None,
    threads: Threads = None,
    processes: Processes = None,
    precision: Precision = None,
    max_seconds: MaxSeconds = None,
    seed: Seed = None,
    out: o.Out = None,
    resume: o.Resume = False,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Runs every case of a suite, into one record.

    Example: psubench run suites/cpu-speed.toml --dry-run
    """
    from psubench import suite_file
    from psubench.cli.running import Output, execute
    from psubench.devices import resolve

    asked = suite_file.read(suite)
    given: dict[str, Any] = {"threads": threads, "processes": processes, "precision": precision}
    given |= {"max_seconds": max_seconds, "seed": seed}
    chosen = {**_DEFAULTS, **asked.settings, **{k: v for k, v in given.items() if v is not None}}
    blocks = asked.blocks(resolve(device), chosen.pop("threads"))
    execute("speed", blocks, o.settings(**chosen), Output(out, resume, dry_run, yes, quiet, json), asked.name)
