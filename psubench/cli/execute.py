"""What every command that measures or trains does: plan, or run, show and save."""

from __future__ import annotations

import itertools
import json as js
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from psubench.cli.saved_runs import REPORTS
from psubench.errors import CASE_FAILED, INTERRUPTED, PsubenchError

if TYPE_CHECKING:
    from psubench.experiments.axes import Axes
    from psubench.experiments.read_options import Given
    from psubench.runs.campaign import Work

Finish = Callable[[Path, Sequence[Any]], None]
_BESIDE = {"profile": ["traces"], "training": ["checkpoints"]}
"""What else lies in the folder of a run, by the kind of its cases."""


class Output(NamedTuple):
    """The options that say where results go and what is printed; see `options`."""

    out: Path | None
    resume: bool
    dry_run: bool
    yes: bool
    quiet: bool
    json: bool
    figures: bool


def run(
    command: str,
    given: Mapping[str, Given],
    output: Output,
    files: Sequence[Path] = (),
    finish: Finish | None = None,
) -> None:
    """Runs what the options of a command ask for; see `execute`.

    Args:
        files: whose tables are run, as the options given change them, by a command that trains.
    """
    from psubench.devices import resolve
    from psubench.experiments.read_options import read_options
    from psubench.experiments.registry import COMMANDS, options_of
    from psubench.experiments.suite_tables import recipe_tables

    tables: list[Mapping[str, Given]] = [table for path in files for table in recipe_tables(path)]
    options = [read_options(options_of(command), {**table, **given}) for table in tables or [{}]]
    device = resolve(options[0].device)
    kind = COMMANDS[command]
    planned = [one for each in options for one in kind.planned(each, device)]
    execute(command, options[0], kind.work(command, options[0], planned), output, finish=finish)


def execute(
    command: str,
    options: Axes,
    work: Work,
    output: Output,
    suite: str | None = None,
    finish: Finish | None = None,
) -> None:
    """Does the work into a folder, prints the result, and ends with the exit code that it deserves.

    Args:
        suite: name that the folder gets where none was given; the command's by default.
        finish: called with the folder and the cases once all is shown.
    """
    from psubench.runs.case import check_cases

    work.check()
    if output.dry_run:
        _list(work, json=output.json)
        return
    check_cases(len(work.listed()), yes=output.yes)
    _check_folder(command, output)
    if command == "energy":
        from psubench.devices import energy_meters

        energy_meters.require(work.device)
    with run_folder(suite or command, output.out) as folder:
        complete = _run(work, folder, output)
    if work.follows:
        return
    cases = _show(command, folder, output, complete=complete)
    if finish is not None:
        finish(folder, cases)
    if not complete:
        arguments = [a for a in sys.argv[1:] if a != "--resume"]
        arguments += [] if output.out else ["--out", str(folder)]
        program = os.environ.get("PSUBENCH_COMMAND", "psubench")  # scripts/psubench says how it was called
        print(f"interrupted; continue with: {shlex.join([program, *arguments])} --resume", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
    asked = {planned.key for planned in work.planned()}
    if not all(_whole(case, options) for case in cases if case.key in asked):
        raise typer.Exit(CASE_FAILED)


def _check_folder(command: str, output: Output) -> None:
    from psubench.experiments.registry import COMMANDS
    from psubench.training.torchrun import launched

    if output.resume and output.out is None:
        raise PsubenchError("--resume needs to know which run to continue", "name its folder with --out DIR")
    if COMMANDS[command].trains and launched() and output.out is None:
        raise PsubenchError("processes that train together need the same folder", "name it with --out DIR")


def _run(work: Work, folder: Path, output: Output) -> bool:
    from psubench.render.progress import watch
    from psubench.runs.campaign import Campaign

    with watch(quiet=output.quiet or work.follows) as watcher:
        return Campaign(work, folder, output.resume, watcher).run()


def _whole(found: Any, options: Axes) -> bool:
    """Whether a case of the record is as it was asked for."""
    from psubench.experiments.accuracy.options import TrainOptions
    from psubench.experiments.sparsity.options import SparsityOptions

    if found.status not in ("ok", "skipped"):
        return False
    match options:
        case TrainOptions():  # what failed after the last epoch is in the message
            return found.message is None
        case SparsityOptions(strict=True) if found.status == "ok":
            return bool(found.total and found.total.complete)
    return True


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


def _list(work: Work, *, json: bool) -> None:
    if json:
        print(js.dumps(work.listed(), indent=2))
        return
    for line in work.lines(REPORTS):
        print(line)


def _show(command: str, folder: Path, output: Output, *, complete: bool) -> list[Any]:
    """Reads the record back, writes table and figures beside it, prints the result; returns its cases.

    Figures take seconds that nobody waits for after Ctrl-C, and a job that is cancelled is not given.
    """
    from psubench.experiments.registry import COMMANDS
    from psubench.records import jsonl
    from psubench.render.figures.save import save_beside
    from psubench.render.files import write_text

    kind, records = COMMANDS[command], jsonl.read(jsonl.locate(folder))
    cases = kind.each([records])
    if os.environ.get("PSUBENCH_RECORD_ONLY"):  # `psubench compare --git` reads the record and nothing else
        return cases
    found = kind.joined(cases)
    write_text(kind.export(found, "csv"), folder / f"{command}.csv")
    if command == "accuracy":
        write_text(kind.export(found, "latex"), folder / "accuracy.tex")
    if output.json:
        print(kind.to_json(found))
    else:
        kind.show(found)
    drawn = complete and output.figures and save_beside(lambda: kind.drawn(found), folder)
    if not output.json:
        files = ["record", f"{command}.csv", *["figures"] * drawn, *_BESIDE.get(kind.name, ())]
        print(f"\n{', '.join(files[:-1])} and {files[-1]}: {folder}")
    return cases
