"""`psubench energy`: measured joules, and their ratio to the reference's."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from psubench.cli import options as o

LONGEST_WINDOW_S = 60.0  # a processor's counter must not begin again twice within a window
Windows = Annotated[
    int, typer.Option(min=1, help="Windows per neuron and process; the reference has twice as many.")
]
Seconds = Annotated[
    float,
    typer.Option(
        "--window", min=0.01, max=LONGEST_WINDOW_S, help="Seconds of a window, 5 or more to be exact."
    ),
]


def energy(
    T: o.Ts = "32",
    batch: o.Batch = "32",
    size: o.Size = "512",
    neurons: o.Neurons = "lif,psn,psu,ipsu,rpsu",
    reference: o.Reference = "lif",
    model: o.Model = "neuron",
    data: o.Data = "spoken-digits",
    device: o.Device = None,
    dtype: o.Dtype = "float32",
    phase: o.Phase = "infer,train",
    threads: o.Threads = 1,
    processes: o.Processes = 3,
    windows: Windows = 2,
    window: Seconds = 5.0,
    timeout: o.Timeout = 120.0,
    max_memory: o.MaxMemory = None,
    seed: o.Seed = 0,
    out: o.Out = None,
    resume: o.Resume = False,
    dry_run: o.DryRun = False,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Measures joules with the hardware's counters: RAPL, NVML. Exit code 2 where there is none.

    Example: psubench energy --T 32 --neurons lif,psu --phase infer
    """
    from psubench.cli import running, speed
    from psubench.devices.energy import require
    from psubench.windows import Windowing

    axes = {"T": T, "batch": batch, "size": size, "phase": phase}
    fixed = {"model": model, "data": data, "device": device, "dtype": dtype, "threads": threads}
    blocks = speed.plan(neurons, reference, axes, fixed, "energy")
    if not dry_run:
        require(blocks[0].case.device)
    timed = o.settings(processes, "2%", window, timeout + window, max_memory, seed)  # idling is no hang
    settings = replace(timed, windows=Windowing(windows, window))
    running.execute("energy", blocks, settings, out, resume=resume, dry_run=dry_run, quiet=quiet, json=json)
