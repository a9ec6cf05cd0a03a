"""`psubench accuracy`: the accuracy of neurons on data sets, over seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from psubench.cli.execute import Output, run
from psubench.cli.options import Recipes
from psubench.cli.signature import takes
from psubench.errors import PsubenchError
from psubench.experiments.accuracy.options import AccuracyOptions
from psubench.experiments.read_options import Given

SuiteFile = Annotated[
    Path | None,
    typer.Option("--suite", metavar="FILE", help="A suite of trainings, as psubench run takes it."),
]


@takes(AccuracyOptions)
def accuracy(
    given: dict[str, Given], output: Output, suite: SuiteFile = None, recipe: Recipes = None
) -> None:
    """Trains every neuron on every data set from every seed: mean, standard deviation, firing rate, time.

    Example: psubench accuracy --suite suites/cpu-accuracy.toml
    """
    if suite is not None and recipe:
        raise PsubenchError("--suite and --recipe both say what is trained", "give one of them")
    run("accuracy", given, output, [suite] if suite else recipe or [])
