"""What every measuring command does with its blocks: plan or measure, then show and save."""

from __future__ import annotations

import itertools
import json as js
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from psubench.cli import results
from psubench.errors import CASE_FAILED, INTERRUPTED, PsubenchError

if TYPE_CHECKING:
    from psubench.runs.case import Block
    from psubench.runs.schedule import Settings

REPORTS = Path("reports")
_FINE = ("ok", "skipped")


class Output(NamedTuple):
    """The options that say where results go and what is printed; see `options`."""

    out: Path | None
    resume: bool
    dry_run: bool
    yes: bool
    quiet: bool
    json: bool


def execute(
    command: str,
    blocks: Sequence[Block],
    settings: Settings,
    output: Output,
    suite: str | None = None,
    finish: Callable[[str, Path, bool], list[Any]] | None = None,
) -> None:
    """Measures blocks into a folder, prints the result, and ends with the exit code that it deserves.

    Args:
        suite: name that the folder gets where none was given; the command's by default.
        finish: reads the record of a folder back, shows it, and gives entries with key and status; told the
            command, the folder, and whether the result is to be JSON.
    """
    from psubench.runs.case import number_of_cases

    if output.dry_run:
        _list(blocks, settings, json=output.json)
        return
    number_of_cases(blocks, yes=output.yes)
    if output.resume and output.out is None:
        raise PsubenchError("--resume needs to know which run to continue", "name its folder with --out DIR")
    with run_folder(suite or command, output.out) as folder:
        complete = _measure(blocks, settings, folder, resume=output.resume, quiet=output.quiet)
    rows = (finish or results.finish)(command, folder, output.json)
    if not complete:
        arguments = [a for a in sys.argv[1:] if a != "--resume"]
        arguments += [] if output.out else ["--out", str(folder)]
        program = os.environ.get("PSUBENCH_COMMAND", "psubench")  # scripts/psubench says how it was called
        print(f"interrupted; continue with: {shlex.join([program, *arguments])} --resume", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
    asked = {entry.case.key for block in blocks for entry in block.entries}
    if any(row.status not in _FINE for row in rows if row.key in asked):
        raise typer.Exit(CASE_FAILED)


@contextmanager
def run_folder(name: str, out: Path | None) -> Iterator[Path]:
    """The folder of a run: the one that was given, or else one that nothing else has, named by the time.

    One that nothing was written into vanishes again.
    """
    if out is not None:
        yield out
        return
    folder = _new_folder(REPORTS / f"{name}-{datetime.now():%Y%m%d-%H%M%S}")
    try:
        yield folder
    finally:
        with suppress(OSError):
            folder.rmdir()  # only an empty one can be removed


def _new_folder(wanted: Path) -> Path:
    """A folder that this call has made: two runs may begin in the same second."""
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
    except OSError as error:
        raise PsubenchError(f"cannot make {wanted}: {error.strerror}", "name a folder with --out") from None
    raise AssertionError


def say_where(folder: Path, *files: str) -> None:
    """Says what lies in the folder of a run beside its record."""
    print(f"\n{', '.join(['record', *files[:-1]])} and {files[-1]}: {folder}")


def _list(blocks: Sequence[Block], settings: Settings, *, json: bool) -> None:
    cases = [{**e.case.canonical(), "skip": e.skip} for block in blocks for e in block.entries]
    if json:
        print(js.dumps(cases, indent=2))
        return
    for block in blocks:
        print(f"{block.title}: {', '.join(e.label for e in block.entries if e.skip is None)}")
        for entry in (e for e in block.entries if e.skip is not None):
            print(f"  without {entry.label}: {entry.skip}")
    print(f"{len(cases)} cases in {len(blocks)} blocks, {settings.processes} processes each")
    print(_estimate(blocks, settings))


def _estimate(blocks: Sequence[Block], settings: Settings) -> str:
    from psubench.devices import machine
    from psubench.runs import estimate

    seconds, known = estimate.estimate(blocks, settings.processes, REPORTS, machine())
    unknown = len(blocks) - known
    least = unknown * settings.processes * max(settings.seconds(block) for block in blocks)
    texts = []
    if known:
        texts.append(f"{known} blocks took {_clock(seconds)} here before")
    if unknown:
        texts.append(f"{unknown} were never measured here: up to {_clock(least)} of samples, and checks")
    return "; ".join(texts)


def _clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _measure(blocks: Sequence[Block], settings: Settings, folder: Path, *, resume: bool, quiet: bool) -> bool:
    from psubench.render.progress import watch
    from psubench.runs.campaign import Campaign

    with watch(quiet=quiet) as watcher:
        return Campaign(blocks, settings, folder, resume, watcher.message).run(watcher)
