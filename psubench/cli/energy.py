"""`psubench energy`: measured joules, and their ratio to the reference's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from psubench.cli import options as o

if TYPE_CHECKING:
    from psubench.suite import Block
    from psubench.windows import Windowing

LAYER_T = "32"
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
    T: o.Ts = None,
    batch: o.Batch = None,
    size: o.Size = "512",
    neurons: o.Neurons = "lif,psn,psu,ipsu,rpsu",
    reference: o.Reference = "lif",
    model: o.Model = "neuron",
    data: o.Data = None,
    device: o.Device = None,
    dtype: o.Dtype = "float32",
    phase: o.Phase = "infer,train",
    mode: o.Mode = "layer",
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
    yes: o.Yes = False,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Measures joules with the hardware's counters: RAPL, NVML. Exit code 2 where there is none.

    Example: psubench energy --T 32 --neurons lif,psu --phase infer
    """
    from psubench.cli import running

    words = {"T": T, "batch": batch, "size": size, "neurons": neurons, "reference": reference}
    words |= {"model": model, "data": data, "dtype": dtype, "phase": phase, "mode": mode}
    blocks = _plan(words, device, threads, needs_counter=not dry_run)
    # Longer by a window, in which a worker that idles gives no sign of life.
    timed = o.settings(processes, "2%", window, timeout + window, max_memory, seed, False)
    settings = replace(timed, windows=_windowing(windows, window))
    running.execute("energy", blocks, settings, running.Output(out, resume, dry_run, yes, quiet, json))


def _plan(
    words: dict[str, str | None], device: str | None, threads: int, *, needs_counter: bool
) -> list[Block]:
    from psubench.devices import resolve
    from psubench.devices.energy import require
    from psubench.plan import speed_blocks

    if words["T"] is None and words["model"] == "neuron":
        words = {**words, "T": LAYER_T}  # one T, not the six of speed: a window lasts for seconds
    name = resolve(device)
    blocks = speed_blocks(words, name, threads, kind="energy")
    if needs_counter:
        require(name)
    return blocks


def _windowing(count: int, seconds: float) -> Windowing:
    from psubench.windows import Windowing

    return Windowing(count, seconds)
