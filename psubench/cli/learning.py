"""What `train` and `accuracy` do with their trainings: plan or train, then show and save."""

from __future__ import annotations

import json as js
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from psubench.errors import CASE_FAILED, INTERRUPTED, PsubenchError

if TYPE_CHECKING:
    from psubench.training.case import Training
    from psubench.training.recipe import Task


def resolved(path: Path | None, task: Mapping[str, Any], recipe: Mapping[str, Any]) -> Task:
    """The task in a file, or the default one, with what was given on the command line in its place.

    Args:
        task: `model`, `data` and `T`; None is not given.
        recipe: values of the recipe; None is not given.
    """
    from dataclasses import replace

    from psubench.training.recipe import Task, changed, read

    found = read(path) if path else Task()
    given = {name: value for name, value in recipe.items() if value is not None}
    changes = {name: value for name, value in task.items() if value is not None}
    return replace(found, **changes, recipe=changed(found.recipe, given, "the command line"))


def execute(
    command: str,
    cases: Sequence[Training],
    out: Path | None,
    *,
    jobs: int,
    resume: bool,
    dry_run: bool,
    quiet: bool,
    json: bool,
) -> None:
    """Trains into a folder, prints the result, and ends with the exit code that it deserves."""
    from psubench.training.launch import follows, launched

    if dry_run:
        _list(cases, jobs, json=json)
        return
    if resume and out is None:
        raise PsubenchError("--resume needs to know which run to continue", "name its folder with --out DIR")
    if launched() and out is None:
        raise PsubenchError("processes that train together need the same folder", "name it with --out DIR")
    _check_data(cases)
    from psubench.cli.running import run_folder

    with run_folder(command, out) as folder:
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
    if any(row["status"] != "ok" for row in rows if row["key"] in asked):
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
    from psubench.render.training_progress import watch
    from psubench.training.campaign import Campaign

    with watch(quiet=quiet) as watcher:
        return Campaign(command, cases, folder, resume, jobs, watcher).run()


def _finish(command: str, folder: Path, *, json: bool) -> list[dict[str, Any]]:
    """Reads the record back, writes table and figures beside it, prints the result."""
    from psubench import accuracy, record
    from psubench.cli import running
    from psubench.render import accuracy_plots, accuracy_table, export, plots

    trainings = accuracy.trainings(record.read(record.locate(folder)))
    rows = accuracy.summary(trainings)
    export.write_text(accuracy_table.render(rows, "csv"), folder / f"{command}.csv")
    if command == "accuracy":
        export.write_text(accuracy_table.render(rows, "latex"), folder / "accuracy.tex")
    if json:
        print(accuracy_table.to_json(rows))
    else:
        accuracy_table.show(rows)
    drawn = plots.save_beside(lambda: accuracy_plots.figures(rows), folder)
    if not json:
        running.say_where(folder, f"{command}.csv", *["figures"] * drawn, "checkpoints")
    return trainings
