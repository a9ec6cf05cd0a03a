"""`psubench speed`: time of inference and training, and the time ratio to the reference."""

from __future__ import annotations

from dataclasses import replace

from psubench.cli import options as o


def speed(
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
    processes: o.Processes = 5,
    precision: o.Precision = "2%",
    max_seconds: o.MaxSeconds = 1.5,
    timeout: o.Timeout = 120.0,
    max_memory: o.MaxMemory = None,
    memory: o.Memory = True,
    checkpoint: o.Checkpoint = None,
    seed: o.Seed = 0,
    out: o.Out = None,
    resume: o.Resume = False,
    dry_run: o.DryRun = False,
    yes: o.Yes = False,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Times neurons side by side, over T, batch and size, in training and inference.

    Example: psubench speed --model "vggsnn(width=0.25)" --T 4,10 --mode layer,step
    """
    from psubench.cli.running import Output, execute
    from psubench.devices import resolve
    from psubench.plan import speed_blocks

    words = {"T": T, "batch": batch, "size": size, "neurons": neurons, "reference": reference}
    words |= {"model": model, "data": data, "dtype": dtype, "phase": phase, "mode": mode}
    blocks = speed_blocks(words, resolve(device), threads)
    settings = o.settings(processes, precision, max_seconds, timeout, max_memory, seed, memory)
    if checkpoint is not None:
        settings = replace(settings, checkpoint=o.weights(checkpoint, model))
    execute("speed", blocks, settings, Output(out, resume, dry_run, yes, quiet, json))
