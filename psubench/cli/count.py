"""`psubench count`: the work of every case of a suite, without a clock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from psubench.cli import options as o
from psubench.neurons import NeuronRef
from psubench.runs.case import Block

SuiteFile = Annotated[Path, typer.Argument(metavar="SUITE", help="A TOML file, such as suites/ci.toml.")]


def count(
    suite: SuiteFile,
    device: o.Device = None,
    out: o.Out = None,
    quiet: o.Quiet = False,
) -> None:
    """Counts the work of every case of a suite, without timing: operators, memory, Python code.

    Example: psubench count suites/ci.toml --out reports/work
    """
    from psubench.cli.execute import run_folder
    from psubench.devices import resolve
    from psubench.errors import PsubenchError
    from psubench.experiments import suite_file
    from psubench.neurons import parse_list
    from psubench.records.jsonl import WORK
    from psubench.render.progress import watch
    from psubench.runs.blocks import Blocks
    from psubench.runs.campaign import Campaign

    asked, name = suite_file.read(suite), resolve(device)
    if asked.command != "speed":
        raise PsubenchError(f"{suite} holds no [[speed]]", "count the cases of a suite of speed")
    if name.startswith("cuda"):
        raise PsubenchError("the work of a GPU's kernels cannot be counted", "use --device cpu")
    named = {ref for options in asked.options for ref in parse_list(options.neurons)}
    work = Blocks(
        [_of_those(block, named) for block in asked.blocks(name)],
        replace(asked.how(), processes=0, passes=(WORK,)),
    )
    work.check()
    with run_folder(f"count-{asked.name}", out) as folder, watch(quiet=quiet) as watcher:
        if not Campaign(work, folder, False, watcher).run():
            raise KeyboardInterrupt
    print(f"the work of {sum(entry.skip is None for entry in work.entries)} cases: {folder}")


def _of_those(block: Block, named: Collection[NeuronRef]) -> Block:
    """The block without the work of a reference that no table names."""
    entries = [
        entry if entry.ref in named else replace(entry, skip="it is the reference alone")
        for entry in block.entries
    ]
    return replace(block, entries=tuple(entries))
