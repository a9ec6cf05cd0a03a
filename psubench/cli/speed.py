"""`psubench speed`: time of inference and training, and the time ratio to the reference."""

from __future__ import annotations

from psubench.cli import options as o


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
    from psubench.data import parse as parse_data
    from psubench.devices import memory_limit_bytes, resolve
    from psubench.neurons import parse, parse_list
    from psubench.runner import Settings
    from psubench.suite import DTYPES, PHASES, blocks, parse_range

    planned = blocks(
        parse_list(neurons),
        parse(reference),
        parse_range(T, "--T"),
        parse_range(batch, "--batch"),
        parse_range(size, "--size"),
        o.choices(phase, PHASES, "--phase"),
        kind="speed",
        model=o.choices(model, ("neuron",), "--model")[0],
        data=parse_data(data).name,
        device=resolve(device),
        dtype=o.choices(dtype, DTYPES, "--dtype")[0],
        mode="layer",
        threads=threads,
    )
    limit = o.memory(max_memory, "--max-memory") if max_memory else memory_limit_bytes()
    settings = Settings(processes, o.percent(precision, "--precision"), max_seconds, timeout, limit, seed)
    execute("speed", planned, settings, out, resume=resume, dry_run=dry_run, quiet=quiet, json=json)
