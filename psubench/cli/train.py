"""`psubench train`: a network learns a data set."""

from __future__ import annotations

from psubench.cli.execute import Output, run
from psubench.cli.options import Recipes
from psubench.cli.signature import takes
from psubench.experiments.accuracy.options import TrainOptions
from psubench.experiments.read_options import Given


@takes(TrainOptions)
def train(given: dict[str, Given], output: Output, recipe: Recipes = None) -> None:
    """Trains a network, with a checkpoint after every epoch; --resume goes on from the newest.

    What is not given comes from the recipe, and from its defaults where that is silent.

    Example: psubench train --neurons psu --data spoken-digits --T 32 --epochs 20

    Several processes: torchrun --nproc_per_node 2 -m psubench train --out reports/two
    """
    run("train", given, output, recipe or [])
