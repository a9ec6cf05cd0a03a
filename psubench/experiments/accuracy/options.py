"""Options of `psubench train` and `psubench accuracy`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from psubench.experiments import notations as n
from psubench.experiments.axes import FIVE, Axes, Network, Neurons
from psubench.experiments.option import Option
from psubench.training.recipe import MOST_SAMPLES, Epochs, Lr, Recipe

Batch = Annotated[
    tuple[int, ...],
    Option(
        "Samples per step over all processes, a range like --T; default: the recipe's.",
        "RANGE",
        n.counts_to(MOST_SAMPLES),
    ),
]
Seeds = Annotated[
    tuple[int, ...],
    Option("Seeds of weights and order; 0,1,2 trains once from each.", "LIST", n.SEEDS, alias="--seed"),
]
PROBES = ("time",)
"""What a task may need, which trainings without it tell."""
HowTrained = Annotated[
    Recipe, Option("Loss, optimizer, augmentation, ..., or a file with them.", command=False)
]
Probe = Annotated[
    str,
    Option(
        "time: train again with the steps shuffled, and without gradient through time.",
        "WHAT",
        n.one_of(PROBES),
    ),
]
Jobs = Annotated[
    int,
    Meta(ge=1, le=1000),
    Option("Trainings at a time; default: one per --threads cores, or one per GPU.", suite="settings"),
]


class TrainOptions(Axes, frozen=True, kw_only=True):
    """Trainings of networks on data sets: one training, unless an axis has several values.

    A value of None is that of the recipe, the data set or the network.
    """

    neurons: Neurons = "psu"
    model: Network = "mlp"
    batch: Batch | None = None
    seeds: Seeds = (0,)
    epochs: Annotated[Epochs, Option("Passes over the training split; default: the recipe's.")] | None = None
    lr: (
        Annotated[Lr, Option("Learning rate (peak of a one-cycle schedule); default: the recipe's.")] | None
    ) = None
    deterministic: Annotated[bool, Option("Refuse operations whose result varies between runs.")] = False
    probe: Probe | None = None
    jobs: Jobs | None = None
    recipe: HowTrained = msgspec.field(default_factory=Recipe)


class AccuracyOptions(TrainOptions, frozen=True, kw_only=True):
    """The accuracy of neurons on data sets, over seeds."""

    neurons: Neurons = FIVE
    seeds: Seeds = (0, 1, 2)
