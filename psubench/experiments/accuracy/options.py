"""What `psubench train` and `psubench accuracy` may be asked."""

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
        "Samples per step, over all processes, a range like --T; the recipe's.",
        "RANGE",
        n.counts_to(MOST_SAMPLES),
    ),
]
Seeds = Annotated[
    tuple[int, ...],
    Option("Of weights and order: 0,1,2 trains from each of them.", "LIST", n.SEEDS, alias="--seed"),
]
HowTrained = Annotated[
    Recipe, Option("Losses, optimizer, augmentation, ...; or a file that holds them.", command=False)
]
Jobs = Annotated[
    int,
    Meta(ge=1, le=1000),
    Option("Trainings at a time; by default one per --threads cores, one per GPU.", suite="settings"),
]


class TrainOptions(Axes, frozen=True, kw_only=True):
    """Networks that learn data sets: one network, unless an axis has several values.

    What is None is as the recipe has it, or of the data set, or of the network.
    """

    neurons: Neurons = "psu"
    model: Network = "mlp"
    batch: Batch | None = None
    seeds: Seeds = (0,)
    epochs: Annotated[Epochs, Option("Passes over the training split; the recipe's.")] | None = None
    lr: Annotated[Lr, Option("Learning rate, the peak of a one-cycle schedule; the recipe's.")] | None = None
    deterministic: Annotated[bool, Option("Refuse operations whose result varies between runs.")] = False
    jobs: Jobs | None = None
    recipe: HowTrained = msgspec.field(default_factory=Recipe)


class AccuracyOptions(TrainOptions, frozen=True, kw_only=True):
    """The accuracy of neurons on data sets, over seeds."""

    neurons: Neurons = FIVE
    seeds: Seeds = (0, 1, 2)
