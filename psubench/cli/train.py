"""`psubench train`: one network learns one data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from psubench.cli import options as o

Recipe = Annotated[
    Path | None, typer.Option(metavar="FILE", help="TOML with model, data, T and how it is trained.")
]
Model = Annotated[str | None, typer.Option(metavar="NAME", help="A network; `list models` knows them.")]
Data = Annotated[str | None, typer.Option(metavar="NAME", help="A data set; `list data` knows them.")]
Neuron = Annotated[str, typer.Option(metavar="NAME", help="A neuron, as for --neurons, but one.")]
T = Annotated[int | None, typer.Option("--T", min=1, help="Time steps.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the training split.")]
Batch = Annotated[int | None, typer.Option(min=1, help="Samples per step, over all processes.")]
Lr = Annotated[float | None, typer.Option(help="Learning rate; the peak of a one-cycle schedule.")]
Deterministic = Annotated[
    bool, typer.Option("--deterministic", help="Refuse operations whose result varies between runs.")
]


def train(
    neuron: Neuron = "psu",
    recipe: Recipe = None,
    model: Model = None,
    data: Data = None,
    T: T = None,
    epochs: Epochs = None,
    batch: Batch = None,
    lr: Lr = None,
    deterministic: Deterministic = False,
    seed: o.Seed = 0,
    device: o.Device = None,
    threads: o.Threads = 1,
    out: o.Out = None,
    resume: o.Resume = False,
    dry_run: o.DryRun = False,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Trains a network, with a checkpoint after every epoch; --resume goes on from the newest.

    What is not given comes from the recipe, and from its defaults where that is silent.

    Example: psubench train --neuron psu --data spoken-digits --T 32 --epochs 20

    Several processes: torchrun --nproc_per_node 2 -m psubench train --out reports/two
    """
    from psubench.cli.learning import execute, resolved
    from psubench.training.case import training

    given = {"epochs": epochs, "batch": batch, "lr": lr, "deterministic": deterministic or None}
    task = resolved(recipe, {"model": model, "data": data, "T": T}, given)
    case = training(task, neuron, seed=seed, device=o.trains_on(device), threads=threads)
    execute("train", [case], out, jobs=1, resume=resume, dry_run=dry_run, quiet=quiet, json=json)
