"""`psubench sparsity`: firing rates, synaptic operations, energy estimates and feature maps of a network."""

from __future__ import annotations

import json as js
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from psubench.cli import options as o

if TYPE_CHECKING:
    from psubench.suite import Block

Model = Annotated[
    str, typer.Option(metavar="NAME", help="A network such as shd or vggsnn(width=0.25), or a plug-in.")
]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds that one batch may take.")]
Batch = Annotated[int, typer.Option(min=1, help="Samples per forward pass.")]
Samples = Annotated[int, typer.Option(min=1, help="Samples that are counted, of the test split.")]
EnergyModel = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="One of `list energy-models`, a TOML file, or a plug-in file.py:function."
    ),
]
FirstLayer = Annotated[
    str,
    typer.Option(
        metavar="POLICY",
        help="What the input costs: sparse_mac, dense_mac, or as_events where it counts events.",
    ),
]
Pooling = Annotated[
    str,
    typer.Option(
        metavar="POLICY", help="Averages of spikes: graded inputs, or fold the divisor into weights."
    ),
]
TrainEpochs = Annotated[
    int | None, typer.Option(min=1, help="Train each network first, for so many epochs; else untrained.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 4 if an operation could not be counted.")]


def sparsity(
    model: Model = "vggsnn(width=0.25)",
    T: o.Ts = None,
    neurons: o.Neurons = "lif,psn,psu,ipsu,rpsu",
    data: o.Data = None,
    batch: Batch = 8,
    samples: Samples = 64,
    device: o.Device = None,
    dtype: o.Dtype = "float32",
    energy_model: EnergyModel = "horowitz45-fp32",
    first_layer: FirstLayer = "sparse_mac",
    pooling: Pooling = "graded",
    strict: Strict = False,
    threads: o.Threads = 1,
    timeout: Timeout = 120.0,
    max_memory: o.MaxMemory = None,
    seed: o.Seed = 0,
    checkpoint: o.Checkpoint = None,
    train_epochs: TrainEpochs = None,
    out: o.Out = None,
    resume: o.Resume = False,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Counts spikes and operations of a network and estimates energy.

    Example: psubench sparsity --model "vggsnn(width=0.25)" --T 10 --neurons lif,psn,psu
    """
    from psubench.cli.running import Output, execute
    from psubench.counting import KIND, count_blocks, weights_word
    from psubench.devices import resolve

    words = {"model": model, "T": T, "neurons": neurons, "data": data, "dtype": dtype}
    words |= {"energy_model": energy_model, "first_layer": first_layer, "pooling": pooling}
    blocks = count_blocks(
        words, batch=batch, samples=samples, device=resolve(device), threads=threads,
        weights=weights_word(checkpoint, train_epochs),
    )  # fmt: skip
    if dry_run:
        return _list(blocks, json)
    settings = o.settings(1, "2%", 1.0, timeout, max_memory, seed, memory=False)
    output = Output(out, resume, dry_run, yes, quiet, json)
    return execute(KIND, blocks, settings, output, finish=partial(_finish, strict=strict))


def _list(blocks: Sequence[Block], as_json: bool) -> None:
    cases = [block.entries[0].case.canonical() for block in blocks]
    if as_json:
        print(js.dumps(cases, indent=2))
        return
    for block, case in zip(blocks, cases, strict=True):
        print(f"{block.entries[0].label}: {block.title}, {case['samples']} samples")


def _finish(command: str, folder: Path, as_json: bool, strict: bool) -> list[dict[str, Any]]:
    """Reads the record back, writes table and figures beside it, prints the result."""
    from psubench import record
    from psubench.activity.cases import cases
    from psubench.cli import running
    from psubench.render import activity_export, activity_plots, activity_table, plots
    from psubench.render.export import write_text

    found = cases(record.read(record.locate(folder)))
    write_text(activity_export.to_csv(found), folder / f"{command}.csv")
    if as_json:
        print(activity_export.to_json(found))
    else:
        activity_table.show(found)
    drawn = plots.save_beside(lambda: activity_plots.figures(found), folder)
    if not as_json:
        running.say_where(folder, f"{command}.csv", *["figures"] * drawn)
    if strict:
        for case in found:
            if case["status"] == "ok" and not case["layers"][-1]["complete"]:
                case["status"] = "incomplete"
    return found
