"""`psubench profile`: what happens during a call, as a trace and in numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from psubench.cli import options as o

T = Annotated[str | None, typer.Option("--T", metavar="N", help="Time steps; 32, of a network its own.")]
Batch = Annotated[
    str | None, typer.Option(metavar="N", help="Samples per call; 32, of a network 8 (its own on a GPU).")
]
Size = Annotated[str, typer.Option(metavar="N", help="Neurons of the layer.")]
Phase = Annotated[str, typer.Option(metavar="NAME", help="infer or train.")]
Tensorboard = Annotated[
    bool, typer.Option("--tensorboard", help="Then show the traces in TensorBoard on this machine.")
]


def profile(
    T: T = None,
    batch: Batch = None,
    size: Size = "512",
    neurons: o.Neurons = "lif,psn,psu,ipsu,rpsu",
    model: o.Model = "neuron",
    data: o.Data = None,
    device: o.Device = None,
    dtype: o.Dtype = "float32",
    phase: Phase = "train",
    mode: o.Mode = "layer",
    threads: o.Threads = 1,
    timeout: o.Timeout = 120.0,
    max_memory: o.MaxMemory = None,
    seed: o.Seed = 0,
    tensorboard: Tensorboard = False,
    out: o.Out = None,
    resume: o.Resume = False,
    dry_run: o.DryRun = False,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Records a call of each neuron: a trace for Perfetto or TensorBoard, operators, launches, memory.

    Example: psubench profile --model "vggsnn(width=0.125)" --neurons lif,psu --mode step
    """
    from psubench.cli import tensorboard as viewer
    from psubench.cli.running import Output, execute
    from psubench.devices import resolve
    from psubench.profiling import KIND, profile_blocks

    if tensorboard:
        viewer.require()
    words = {"T": T, "batch": batch, "size": size, "neurons": neurons, "model": model, "data": data}
    words |= {"dtype": dtype, "phase": phase, "mode": mode}
    blocks = profile_blocks(words, resolve(device), threads)
    settings = o.settings(1, "2%", 1.0, timeout, max_memory, seed, memory=False)
    finish = partial(_finish, tensorboard)
    execute(KIND, blocks, settings, Output(out, resume, dry_run, True, quiet, json), finish=finish)


def _finish(tensorboard: bool, command: str, folder: Path, as_json: bool) -> list[dict[str, Any]]:
    """Reads the record back, writes table and figures beside it, prints the result."""
    from psubench import profiles, record
    from psubench.cli import running
    from psubench.cli import tensorboard as viewer
    from psubench.profiling import TRACES
    from psubench.render import plots, profile_export, profile_plots, profile_table
    from psubench.render.export import write_text

    found = profiles.cases(record.read(record.locate(folder)))
    write_text(profile_export.to_csv(found), folder / f"{command}.csv")
    if as_json:
        print(profile_export.to_json(found))
    else:
        profile_table.show(found)
    drawn = plots.save_beside(lambda: profile_plots.figures(found), folder)
    if not as_json:
        running.say_where(folder, f"{command}.csv", "traces", *["figures"] * drawn)
    names = [Path(case["profile"]["trace"]).parent.name for case in found if case["profile"]]
    if tensorboard and names:
        viewer.serve(folder / TRACES, names)
    return found
