"""What `train` and `accuracy` do with their trainings: plan or train, then show and save."""

from __future__ import annotations

import json as js
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psubench.cli.execute import Output
from psubench.errors import CASE_FAILED, INTERRUPTED, PsubenchError
from psubench.experiments.accuracy.options import TrainOptions
from psubench.experiments.read_options import Given, read_options

if TYPE_CHECKING:
    from psubench.experiments.accuracy.rows import TrainingRow
    from psubench.training.case import Training


Recipes = Annotated[
    list[Path] | None,
    typer.Option(
        "--recipe", metavar="FILE", help="A suite of trainings whose values are taken; may be repeated."
    ),
]


def train_all(
    command: str,
    kind: type[TrainOptions],
    files: Sequence[Path],
    given: Mapping[str, Given],
    output: Output,
) -> None:
    """Trains what the tables of these files ask for, or else the defaults, as the options given change it."""
    from psubench.devices import resolve
    from psubench.experiments.accuracy.plan import in_order, trainings
    from psubench.experiments.suite_tables import recipe_tables

    tables: list[Mapping[str, Given]] = [table for path in files for table in recipe_tables(path)]
    options = [read_options(kind, {**table, **given}) for table in tables or [{}]]
    device = resolve(options[0].device)
    cases = in_order([case for one in options for case in trainings(one, device)])
    run(command, cases, options[0].jobs, output)


def run(
    command: str, cases: Sequence[Training], jobs: int | None, output: Output, suite: str | None = None
) -> None:
    """Trains; options as of `running.execute`.

    Args:
        jobs: trainings at the same time; as many as there are cores for, or one per GPU, if None.
    """
    from psubench.runs.case import check_cases

    if not output.dry_run:
        check_cases(len(cases), yes=output.yes)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    first = cases[0]
    jobs = jobs or (1 if first.device.startswith("cuda") else max(1, cores // first.threads))
    execute(
        command, cases, output.out, suite=suite, jobs=min(jobs, len(cases)), resume=output.resume,
        dry_run=output.dry_run, quiet=output.quiet, json=output.json,
    )  # fmt: skip


def execute(
    command: str,
    cases: Sequence[Training],
    out: Path | None,
    *,
    suite: str | None = None,
    jobs: int,
    resume: bool,
    dry_run: bool,
    quiet: bool,
    json: bool,
) -> None:
    """Trains into a folder, prints the result, and ends with the exit code that it deserves."""
    from psubench.training.torchrun import follows, launched

    if dry_run:
        _list(cases, jobs, json=json)
        return
    if resume and out is None:
        raise PsubenchError("--resume needs to know which run to continue", "name its folder with --out DIR")
    if launched() and out is None:
        raise PsubenchError("processes that train together need the same folder", "name it with --out DIR")
    _check_data(cases)
    from psubench.cli.execute import run_folder

    with run_folder(suite or command, out) as folder:
        complete = _train(command, cases, folder, jobs, resume=resume, quiet=quiet or follows())
    if follows():
        return
    rows = _finish(command, folder, json=json)
    if not complete:
        arguments = [a for a in sys.argv[1:] if a != "--resume"] + ([] if out else ["--out", str(folder)])
        program = os.environ.get("PSUBENCH_COMMAND", "psubench")  # scripts/psubench says how it was called
        print(f"interrupted; continue with: {shlex.join([program, *arguments])} --resume", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
    asked = {case.key for case in cases}
    if any(row.status != "ok" or row.message for row in rows if row.key in asked):
        raise typer.Exit(CASE_FAILED)


def _check_data(cases: Sequence[Training]) -> None:
    """Raises PsubenchError now, and not in every training, if the files of a data set are missing."""
    from psubench import data

    for source in dict.fromkeys(case.data for case in cases if not case.data.is_plugin):
        data.count(source, "train")


def _list(cases: Sequence[Training], jobs: int, *, json: bool) -> None:
    if json:
        print(js.dumps([case.canonical() for case in cases], indent=2))
        return
    for case in cases:
        print(f"{case.title}: {case.model.name}, {case.recipe.epochs} epochs")
    print(f"{len(cases)} trainings, {jobs} at a time")


def _train(
    command: str, cases: Sequence[Training], folder: Path, jobs: int, *, resume: bool, quiet: bool
) -> bool:
    from psubench.experiments.accuracy.campaign import Campaign
    from psubench.render.training_progress import watch

    with watch(quiet=quiet) as watcher:
        return Campaign(command, cases, folder, resume, jobs, watcher).run()


def _finish(command: str, folder: Path, *, json: bool) -> list[TrainingRow]:
    """Reads the record back, writes table and figures beside it, prints the result."""
    from psubench.cli import results
    from psubench.experiments.accuracy import rows as accuracy_rows
    from psubench.experiments.registry import COMMANDS
    from psubench.records import jsonl
    from psubench.render.files import write_text

    trainings = accuracy_rows.trainings(jsonl.read(jsonl.locate(folder)))
    kind, rows = COMMANDS[command], accuracy_rows.summary(trainings)
    if command == "accuracy":
        write_text(kind.export(rows, "latex"), folder / "accuracy.tex")
    results.present(kind, command, rows, folder, json, last=["checkpoints"])
    return trainings
