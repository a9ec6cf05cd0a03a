"""What every measuring command does with its blocks: plan or measure, then show and save."""

from __future__ import annotations

import json as js
import os
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from psubench.errors import CASE_FAILED, INTERRUPTED, PsubenchError

if TYPE_CHECKING:
    from psubench.runner import Settings
    from psubench.suite import Block


def execute(
    command: str,
    blocks: Sequence[Block],
    settings: Settings,
    out: Path | None,
    *,
    resume: bool,
    dry_run: bool,
    quiet: bool,
    json: bool,
) -> None:
    """Measures blocks into a folder, prints the result, and ends with the exit code that it deserves."""
    if dry_run:
        _list(blocks, settings, json=json)
        return
    if resume and out is None:
        raise PsubenchError("--resume needs to know which run to continue", "name its folder with --out DIR")
    folder = out or Path("reports", f"{command}-{datetime.now():%Y%m%d-%H%M%S}")
    complete = _measure(blocks, settings, folder, resume=resume, quiet=quiet)
    rows = _finish(command, folder, json=json)
    if not complete:
        arguments = [a for a in sys.argv[1:] if a != "--resume"] + ([] if out else ["--out", str(folder)])
        program = os.environ.get("PSUBENCH_COMMAND", "psubench")  # scripts/psubench says how it was called
        print(f"interrupted; continue with: {shlex.join([program, *arguments])} --resume", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
    asked = {entry.case.key for block in blocks for entry in block.entries}
    if any(row["status"] != "ok" for row in rows if row["key"] in asked):
        raise typer.Exit(CASE_FAILED)


def _list(blocks: Sequence[Block], settings: Settings, *, json: bool) -> None:
    cases = [entry.case.canonical() for block in blocks for entry in block.entries]
    if json:
        print(js.dumps(cases, indent=2))
        return
    for block in blocks:
        print(f"{block.title}: {', '.join(entry.ref.label for entry in block.entries)}")
    seconds = len(blocks) * settings.processes * settings.max_seconds
    print(f"{len(cases)} cases in {len(blocks)} blocks, {settings.processes} processes each")
    print(f"about {seconds:.0f} s of samples, and the checks before them")


def _measure(blocks: Sequence[Block], settings: Settings, folder: Path, *, resume: bool, quiet: bool) -> bool:
    from psubench.campaign import Campaign
    from psubench.render.progress import watch

    with watch(quiet=quiet) as watcher:
        return Campaign(blocks, settings, folder, resume, watcher.message).run(watcher)


def _finish(command: str, folder: Path, *, json: bool) -> list[dict[str, Any]]:
    """Reads the record back, writes table and figures beside it, prints the result."""
    from psubench import analyse, record
    from psubench.render import export, plots, table

    rows = analyse.rows(record.read(record.locate(folder)))
    if os.environ.get("PSUBENCH_RECORD_ONLY"):  # `psubench compare --git` reads the record and nothing else
        return rows
    export.write(rows, folder / f"{command}.csv")
    plots.save(plots.figures(rows), folder, ("pdf", "png"))
    if json:
        print(export.to_json(rows))
    else:
        table.show(rows)
        print(f"\nrecord, {command}.csv and figures: {folder}")
    return rows
