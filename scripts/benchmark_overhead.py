"""What psubench itself costs and how steady it is: run `.venv/bin/python scripts/benchmark_overhead.py`.

1. Overhead inside the window: a no-op neuron as psubench times it, against `timeit` on the same module.
2. Overhead outside the window: wall time of the rounds that is not in any sample, per sample.
3. Minor page faults per round after warm-up, inference and training, as recorded by five runs.
4. Spread of the time ratios over those five runs, beside the interval that each run gave by itself.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path

RUNS = 5
OPTIONS = ["--T", "16,64", "--neurons", "lif,psn,psu", "--processes", "3", "--quiet", "--json"]
ROOT = Path(__file__).parent.parent
NO_OP = f"{ROOT / 'tests' / 'wrong_neurons.py'}:NoOp"


def overhead() -> None:
    """Prints what the clock adds to a neuron that does nothing."""
    import torch

    from psubench import neurons
    from psubench.devices import open_device
    from psubench.measure.rounds import Contestant, Interleaver, Limits

    module, x = neurons.build(neurons.parse(NO_OP), 4), torch.zeros(4, 1, 8)
    device = open_device("cpu", T=4, phase="infer", seed=0)
    limits = Limits(precision=1e-9, max_seconds=1.0)
    clock = Interleaver(device, limits, random.Random(0), lambda _: None, lambda _: None)
    with torch.inference_mode():
        began = time.perf_counter_ns()
        measured = clock.measure([Contestant("no-op", lambda: module(x))], "no-op")
        total = time.perf_counter_ns() - began
        bare = min(timeit.repeat(lambda: module(x), number=10_000, repeat=5)) / 10_000 * 1e9
    samples = [ns for values in measured.wall_ns.values() for ns in values]
    each = statistics.median(samples) / measured.loops
    print(f"no-op neuron: {each:.0f} ns per call in psubench's window, {bare:.0f} ns by timeit")
    print(f"outside the window: {(total - sum(samples)) / len(samples) / 1e3:.0f} us per sample of >= 1 ms")


def runs() -> None:
    """Prints faults and spread over independent runs of the program."""
    faults, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(RUNS):
            out = Path(folder, str(run))
            command = [sys.executable, "-m", "psubench", "speed", *OPTIONS, "--out", str(out)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            rows.append(json.loads(done.stdout))
            records = [json.loads(line) for line in (out / "run.jsonl").read_text().splitlines()]
            faults += [count for record in records for count in record.get("faults", [])]
    zero = sum(count == 0 for count in faults) / len(faults)
    print(f"minor page faults: 0 in {zero:.1%} of {len(faults)} rounds, most {max(faults)}")
    print(f"time ratio to lif over {RUNS} runs: smallest, median, largest; the interval of the first run")
    for of_case in zip(*rows, strict=True):
        ratios = sorted(row["ratio"] for row in of_case)
        first = of_case[0]
        print(
            f"  {first['phase']:5} T={first['T']:<3} {first['label']:4}"
            f" {ratios[0]:.3f} {statistics.median(ratios):.3f} {ratios[-1]:.3f}"
            f"   [{first['ratio_low']:.3f}, {first['ratio_high']:.3f}]"
        )


if __name__ == "__main__":
    from psubench.devices import worker_environment

    wanted = worker_environment(1, "cpu")
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, __file__], {**os.environ, **wanted})
    overhead()
    runs()
