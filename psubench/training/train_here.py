"""A training within a command that needs a trained network and was given no checkpoint."""

from __future__ import annotations

import tempfile
from pathlib import Path

from msgspec.structs import replace

from psubench.data import DataRef
from psubench.errors import CASE_FAILED, PsubenchError
from psubench.models import ModelRef
from psubench.neurons import NeuronRef
from psubench.training import checkpoint
from psubench.training.case import Training
from psubench.training.recipe import Recipe
from psubench.training.session import Say, Work
from psubench.training.weights import Weights


def train_here(
    *,
    model: ModelRef,
    neuron: NeuronRef,
    data: DataRef,
    T: int,
    epochs: int,
    seed: int = 0,
    device: str = "cpu",
    threads: int = 1,
    recipe: Recipe | None = None,
    say: Say = lambda _: None,
) -> Weights:
    """Trains a network in this process and returns its weights; nothing is left on the disk.

    Args:
        recipe: the default one, if None; its epochs are replaced, its neuron parameters are
            ignored.
        say: told how the training goes on.

    Raises:
        PsubenchError: the training failed; the message says why.
    """
    how = replace(recipe or Recipe(), epochs=epochs)
    case = Training(model, data, neuron, T, how, seed, device, threads)
    with tempfile.TemporaryDirectory(prefix="psubench-") as folder:
        outcome = Work(case, Path(folder), say).run()
        if outcome.status != "ok":
            raise PsubenchError(
                f"training {case.title} ended as {outcome.status}: {outcome.message}",
                "correct the cause, or give weights with --checkpoint",
                CASE_FAILED,
            )
        path = Path(folder, checkpoint.name_of(epochs))
        if not path.exists():
            raise PsubenchError(
                f"training {case.title} left no weights: {outcome.message}", "correct the cause", CASE_FAILED
            )
        state = checkpoint.load(path)
    return Weights(state["model"], case.canonical(), epochs, None)
