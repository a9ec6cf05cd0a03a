"""What the fused neurons gain, as ratios: `.venv/bin/python scripts/benchmark_fused.py [THREADS ...]`.

Every line compares contestants that ran interleaved, in shuffled order, in one process with the settings
of psubench's workers; a ratio is the median over rounds of t_a / t_b, with its 95 % interval. The limits
are those that the implementations were built to meet.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch

from psubench.devices import open_device, worker_environment
from psubench.measure.rounds import Contestant, Interleaver, Limits
from psubench.neurons import build, parse
from psubench.stats.intervals import log_ratios, over_rounds

SECONDS = 4.0
Call = Callable[[], object]


@dataclass(frozen=True)
class Promise:
    """t_slow / t_fast is at least `least`, or at most `most`; without a limit it is shown for comparison."""

    slow: str
    fast: str
    least: float | None = None
    most: float | None = None


def race(calls: dict[str, Call], seconds: float = SECONDS) -> dict[str, list[int]]:
    """Nanoseconds per round and contestant."""
    device = open_device("cpu", T=1, phase="infer", seed=0)
    limits = Limits(precision=1e-9, max_seconds=seconds)
    clock = Interleaver(device, limits, random.Random(0), lambda _: None, lambda _: None)
    measured = clock.measure([Contestant(name, call) for name, call in calls.items()], None)
    for name, error in measured.failures.items():
        raise RuntimeError(f"{name} failed") from error
    return measured.wall_ns


def judge(title: str, times: dict[str, list[int]], promises: list[Promise]) -> None:
    """One line per promise."""
    for promise in promises:
        interval = over_rounds(log_ratios(times[promise.slow], times[promise.fast]))
        value, low, high = interval.ratios()
        spread = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
        verdict = ""
        if promise.least is not None:
            verdict = f">= {promise.least}: {'kept' if value >= promise.least else 'MISSED'}"
        if promise.most is not None:
            verdict = f"<= {promise.most}: {'kept' if value <= promise.most else 'MISSED'}"
        print(
            f"{title:26} t({promise.slow}) / t({promise.fast}) = {value:.2f}{spread}   {verdict}", flush=True
        )


def infers(text: str, x: torch.Tensor) -> Call:
    """A call of the forward pass without gradients."""
    module = build(parse(text), len(x))

    def call() -> object:
        with torch.inference_mode():
            return module(x)

    return call


def trains(text: str, x: torch.Tensor, cotangent: torch.Tensor) -> Call:
    """A call of forward and backward pass, gradients for input and weights."""
    module, leaf = build(parse(text), len(x)), x.clone().requires_grad_()
    leaves = [leaf, *module.parameters()]
    return lambda: torch.autograd.grad(module(leaf), leaves, cotangent)


def forward(N: int) -> None:
    """psu and lif against the copy, the sigmoid, and the eager forms, T = 128."""
    x = torch.randn(128, 1, N) + 1
    out = torch.empty_like(x)
    calls: dict[str, Call] = {
        "copy": lambda: out.copy_(x),
        "sigmoid": lambda: torch.sigmoid(x, out=out),
        **{text: infers(text, x) for text in ("psu", "psu@fused", "lif", "lif@fused")},
    }
    promises = [
        Promise("psu@fused", "sigmoid", most=2.5),
        Promise("psu", "psu@fused", least=20),
        Promise("lif", "psu@fused", least=5),
        Promise("lif@fused", "copy", most=2.0 if N == 16_384 else None),
        # A copy moves the least that any neuron must, and a PSU has a logistic function per element besides:
        # no implementation can gain more than this.
        Promise("psu", "copy"),
        Promise("lif", "copy"),
        Promise("psu", "sigmoid"),
        Promise("lif", "sigmoid"),
    ]
    judge(f"forward N={N}", race(calls), promises)


def training(N: int) -> None:
    """psu forward and backward against the eager forms, T = 128."""
    x, cotangent = torch.randn(128, 1, N) + 1, torch.randn(128, 1, N)
    calls = {text: trains(text, x, cotangent) for text in ("psu", "psu@fused", "lif", "lif@fused")}
    promises = [Promise("psu", "psu@fused", least=8), Promise("lif", "psu@fused", least=4)]
    judge(f"forward+backward N={N}", race(calls), promises)


def triangular(N: int) -> None:
    """ipsu and rpsu against their full matrices, T = 128."""
    x, cotangent = torch.randn(128, 1, N) + 1, torch.randn(128, 1, N)
    for text in ("ipsu", "rpsu"):
        fused = f"{text}@fused"
        calls = {name: trains(name, x, cotangent) for name in (text, fused)}
        judge(f"forward+backward N={N}", race(calls), [Promise(text, fused, least=1.8)])


def flat(text: str, entries: int) -> None:
    """Time per element over T, at equal numbers of entries: the same memory is moved for every T."""
    for phase in ("forward", "forward+backward"):
        calls: dict[str, Call] = {}
        for T in (16, 64, 256, 1024, 4096):
            x = torch.randn(T, 1, entries // T) + 1
            calls[f"T={T}"] = infers(text, x) if phase == "forward" else trains(text, x, torch.randn_like(x))
        times = race(calls)
        medians = {name: sorted(ns)[len(ns) // 2] for name, ns in times.items()}
        slow, fast = max(medians, key=medians.__getitem__), min(medians, key=medians.__getitem__)
        judge(f"{text} {phase}", times, [Promise(slow, fast, most=1.3)])


def main(threads: int) -> None:
    """All comparisons with one number of threads."""
    torch.set_num_threads(threads)
    print(f"threads {threads}, torch {torch.__version__}")
    for N in (16_384, 262_144):
        forward(N)
        training(N)
    triangular(16_384)
    for text in ("lif@fused", "psu@fused", "sliding-psn@fused"):
        flat(text, 1 << 21)


if __name__ == "__main__":
    if "PSUBENCH_BENCHMARK" in os.environ:
        main(int(sys.argv[1]))
    else:
        for count in sys.argv[1:] or ["1", "2"]:
            settings = {**os.environ, **worker_environment(int(count), "cpu"), "PSUBENCH_BENCHMARK": "1"}
            subprocess.run([sys.executable, __file__, count], env=settings, check=True)
