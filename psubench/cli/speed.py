"""`psubench speed`: time of inference and training, and the time ratio to the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psubench.cli import options as o

if TYPE_CHECKING:
    from psubench.suite import Block


def speed(
    T: o.Ts = "4..128",
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
    processes: o.Processes = 5,
    precision: o.Precision = "2%",
    max_seconds: o.MaxSeconds = 1.5,
    timeout: o.Timeout = 120.0,
    max_memory: o.MaxMemory = None,
    seed: o.Seed = 0,
    out: o.Out = None,
    resume: o.Resume = False,
    dry_run: o.DryRun = False,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Times neurons side by side, over T, batch and size, in training and inference.

    Example: psubench speed --T 4..128 --neurons lif,psu,psu@scan --phase train
    """
    from psubench.cli.running import execute

    axes = {"T": T, "batch": batch, "size": size, "phase": phase}
    fixed = {"model": model, "data": data, "device": device, "dtype": dtype, "threads": threads}
    blocks = plan(neurons, reference, axes, fixed)
    settings = o.settings(processes, precision, max_seconds, timeout, max_memory, seed)
    execute("speed", blocks, settings, out, resume=resume, dry_run=dry_run, quiet=quiet, json=json)


def plan(
    neurons: str, reference: str, axes: dict[str, str], fixed: dict[str, Any], kind: str = "speed"
) -> list[Block]:
    """Every combination of the axes as a block, with every name checked."""
    from psubench.data import parse as parse_data
    from psubench.devices import resolve
    from psubench.neurons import parse, parse_list
    from psubench.suite import DTYPES, PHASES, blocks, parse_range

    return blocks(
        parse_list(neurons),
        parse(reference),
        parse_range(axes["T"], "--T"),
        parse_range(axes["batch"], "--batch"),
        parse_range(axes["size"], "--size"),
        o.choices(axes["phase"], PHASES, "--phase"),
        kind=kind,
        model=o.choice(fixed["model"], ("neuron",), "--model"),
        data=parse_data(fixed["data"]).name,
        device=resolve(fixed["device"]),
        dtype=o.choice(fixed["dtype"], DTYPES, "--dtype"),
        mode="layer",
        threads=fixed["threads"],
    )
