"""One training: which network learns what, how, and from which seed. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psubench import data, models, neurons
from psubench.data import DataRef
from psubench.models import ModelRef
from psubench.neurons import NeuronRef
from psubench.plugins import show_value
from psubench.records.jsonl import case_key
from psubench.training.recipe import TIMES, Recipe, Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Training:
    """Everything that the result of a training depends on, apart from the machine."""

    model: ModelRef
    data: DataRef
    neuron: NeuronRef
    T: int
    recipe: Recipe
    seed: int
    device: str
    threads: int

    def canonical(self) -> dict[str, Any]:
        """Fields and values as in the record and in checkpoints."""
        return {
            "kind": "training",
            "model": self.model.name,
            "data": self.data.name,
            "neuron": self.neuron.name,
            "implementation": self.neuron.implementation,
            "T": self.T,
            "recipe": self.recipe.canonical(),
            "seed": self.seed,
            "device": self.device,
            "threads": self.threads,
        }

    @property
    def steps(self) -> int:
        """Steps that its network runs for: one, whatever T is, if its neuron knows no time."""
        return neurons.steps(self.neuron, self.T)

    def batches(self, split: str, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches [T, B, *] of a split in the order of a seed, with their labels [B]."""
        yield from data.batches(self.data, T=self.T, batch=self.recipe.batch, seed=seed, split=split)

    @property
    def key(self) -> str:
        """Names the training in the record."""
        return case_key(self.canonical())

    @property
    def title(self) -> str:
        """One short line that distinguishes this training from the others of a run."""
        time = TIMES[self.recipe.time]
        return f"{self.neuron.label} on {self.data.name}, T={self.T}, seed {self.seed}{time and ', '}{time}"

    @property
    def folder(self) -> str:
        """Name of the folder of its checkpoints."""
        words = f"{self.neuron.label} {self.data.name} T{self.T} seed{self.seed}"
        return re.sub(r"[^\w.-]+", "-", words) + f"-{self.key[:8]}"


def training(task: Task, neuron: str, *, seed: int, device: str, threads: int) -> Training:
    """A task with its neuron, every name checked.

    Args:
        neuron: as the command line takes it; it gets the parameters of the recipe that it has.

    Raises:
        PsubenchError: a name or a value is unknown, or network and data do not fit.
    """
    model = models.parse(task.model)
    meant = models.TABLE["mlp" if model.is_plugin else model.kind]
    source, T = data.parse(task.data or meant.data), task.T or meant.T
    ref = with_parameters(neurons.parse(neuron), task.recipe)
    if not (model.is_plugin or source.is_plugin):  # plug-ins are loaded where they are trained
        models.shape_for(model, data.shape(source, T)[0], source.name)
    return Training(model, source, ref, T, task.recipe, seed, device, threads)


def with_parameters(ref: NeuronRef, recipe: Recipe) -> NeuronRef:
    """The neuron with those parameters of the recipe that it has and that its text does not set."""
    if ref.is_plugin:
        return ref
    own = dict(ref.parameters)
    known = neurons.TABLE[ref.kind].parameters
    extra = {key: value for key, value in recipe.neuron.items() if key in known and key not in own}
    inside = ",".join(f"{key}={show_value(value)}" for key, value in {**own, **extra}.items())
    return neurons.parse(f"{ref.kind}@{ref.implementation}" + (f"({inside})" if inside else ""))
