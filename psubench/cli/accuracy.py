"""`psubench accuracy`: the accuracy of neurons on data sets, over seeds."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psubench.cli import options as o
from psubench.errors import PsubenchError
from psubench.suite import LARGEST_SEED

if TYPE_CHECKING:
    from psubench.training.case import Training

SuiteFile = Annotated[
    Path | None, typer.Option("--suite", metavar="FILE", help="TOML with recipes, neurons and seeds.")
]
Recipes = Annotated[
    list[Path] | None, typer.Option("--recipe", metavar="FILE", help="Instead of a suite; may be repeated.")
]
Neurons = Annotated[str | None, typer.Option(metavar="LIST", help="Instead of the suite's neurons.")]
Seeds = Annotated[str | None, typer.Option(metavar="LIST", help="Instead of the suite's: 0,1,2 lists.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Instead of the recipes'.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="Trainings at a time; by default one per --threads cores, one per GPU."),
]


def accuracy(
    suite: SuiteFile = None,
    recipe: Recipes = None,
    neurons: Neurons = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    jobs: Jobs = None,
    device: o.Device = None,
    threads: o.Threads = 1,
    out: o.Out = None,
    resume: o.Resume = False,
    dry_run: o.DryRun = False,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Trains every neuron on every data set from every seed: mean, standard deviation, firing rate, time.

    Example: psubench accuracy --suite suites/cpu-accuracy.toml
    """
    from psubench.cli.learning import execute

    device = o.trains_on(device)
    cases = _plan(suite, recipe or [], neurons, seeds, epochs, device, threads)
    jobs = jobs or (1 if device.startswith("cuda") else max(1, _cores() // threads))
    execute("accuracy", cases, out, jobs=jobs, resume=resume, dry_run=dry_run, quiet=quiet, json=json)


def _plan(
    suite: Path | None,
    recipes: list[Path],
    neurons: str | None,
    seeds: str | None,
    epochs: int | None,
    device: str,
    threads: int,
) -> list[Training]:
    """Seed by seed, so that an early end leaves every neuron with the same seeds."""
    from dataclasses import replace

    from psubench.plugins import split_list
    from psubench.training.case import training
    from psubench.training.recipe import Task, read
    from psubench.training.suite import Suite, read_suite

    if suite is not None and recipes:
        raise PsubenchError("--suite and --recipe both say what is trained", "give one of them")
    plan = read_suite(suite) if suite else Suite([read(path) for path in recipes] or [Task()])
    tasks = [
        replace(task, recipe=replace(task.recipe, epochs=epochs or task.recipe.epochs)) for task in plan.tasks
    ]
    names = split_list(neurons) if neurons else plan.neurons
    numbers = _numbers(seeds) if seeds else plan.seeds
    return [
        training(task, name, seed=seed, device=device, threads=threads)
        for seed, task, name in product(dict.fromkeys(numbers), tasks, dict.fromkeys(names))
    ]


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(piece) for piece in text.split(",")]
    except ValueError:
        numbers = [-1]
    if min(numbers) < 0 or max(numbers) > LARGEST_SEED:
        raise PsubenchError(
            f'--seeds "{text}" is no list of whole numbers from 0 to {LARGEST_SEED}',
            "write for example --seeds 0,1,2",
        )
    return numbers


def _cores() -> int:
    """Processor cores that this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
