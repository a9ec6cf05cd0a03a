"""From options to trainings. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from msgspec.structs import replace

from psubench import models
from psubench.errors import PsubenchError
from psubench.experiments.accuracy.options import TrainOptions
from psubench.experiments.network_neurons import asked
from psubench.neurons import is_ann
from psubench.runs.case import check_planned
from psubench.training.case import Training, training
from psubench.training.recipe import TIMES, Recipe, Task


def trainings(options: TrainOptions, device: str) -> list[Training]:
    """Every combination of the axes, seed by seed.

    Args:
        device: as `devices.resolve` gives it.

    Raises:
        PsubenchError: a name is unknown, network and data do not fit, or there are too many.
    """
    if device == "scripted":
        raise PsubenchError(
            "the scripted device invents times and computes nothing", "train with --device cpu"
        )
    recipe, model = _recipe(options), models.parse(options.model, options.spiking)
    Ts, batches = options.T or (None,), options.batch or (recipe.batch,)
    meant = models.TABLE["mlp" if model.is_plugin else model.kind]
    neurons = asked(
        options.neurons, model, data_name=options.data or meant.data, T=Ts[0] or meant.T, batch=batches[0],
        device=device, unsaid=type(options)().neurons,
    )  # fmt: skip
    times = tuple(TIMES) if options.probe else (recipe.time,)
    check_planned(len(options.seeds) * len(Ts) * len(batches) * len(neurons) * len(times))
    return [
        training(
            Task(model.name, options.data, T, replace(recipe, batch=batch, time=time)),
            neuron.text, seed=seed, device=device, threads=options.threads,
        )
        for seed, T, batch, neuron, time in product(options.seeds, Ts, batches, neurons, times)
        if time == times[0] or not is_ann(neuron)  # which has no time to be without
    ]  # fmt: skip


def in_order(trainings: Sequence[Training]) -> list[Training]:
    """Each training once, ordered by seed: after an early end all neurons and data have the same seeds."""
    ranks = {seed: rank for rank, seed in enumerate(dict.fromkeys(one.seed for one in trainings))}
    return sorted({one.key: one for one in trainings}.values(), key=lambda one: ranks[one.seed])


def _recipe(options: TrainOptions) -> Recipe:
    """The recipe, overridden by the options."""
    recipe = options.recipe
    return replace(
        recipe,
        epochs=options.epochs or recipe.epochs,
        lr=options.lr or recipe.lr,
        deterministic=options.deterministic or recipe.deterministic,
    )
