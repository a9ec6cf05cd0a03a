"""Options that several commands share, each declared once."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psubench.cli import completion
from psubench.errors import PsubenchError
from psubench.suite import LARGEST_SEED, choice, choices

if TYPE_CHECKING:
    from psubench.runner import Settings

__all__ = ["choice", "choices"]  # for the commands, which find here what texts of options mean

Ts = Annotated[
    str | None,
    typer.Option(
        "--T",
        metavar="RANGE",
        help="Time steps: 4..128 doubles, 4..128+4 adds, 4,10 lists; a network has its own.",
    ),
]
Batch = Annotated[
    str | None,
    typer.Option(
        metavar="RANGE", help="Samples per call, a range like --T; 32, of a network 8 (its own on a GPU)."
    ),
]
Size = Annotated[str, typer.Option(metavar="RANGE", help="Neurons of the layer, a range like --T.")]
Neurons = Annotated[
    str,
    typer.Option(
        metavar="LIST",
        help="Names, name@implementation, name(key=value), plug-ins file.py:Attribute, or all.",
        autocompletion=completion.neurons,
    ),
]
Reference = Annotated[str, typer.Option(metavar="NEURON", help="What the time ratio compares with.")]
Model = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="neuron (one layer), a network such as vggsnn(width=0.25), or a plug-in.",
        autocompletion=completion.models,
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="spoken-digits, shd, normal(mu=1), ... or a plug-in; the model's own by default.",
        autocompletion=completion.data,
    ),
]
Mode = Annotated[
    str,
    typer.Option(metavar="LIST", help="Networks layer by layer (layer), serial neurons step by step (step)."),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="cpu, cuda, cuda:1 or scripted; the fastest present by default."),
]
Dtype = Annotated[str, typer.Option(metavar="NAME", help="float32, float64 or bfloat16.")]
Phase = Annotated[str, typer.Option(metavar="LIST", help="infer, train or both.")]
Threads = Annotated[int, typer.Option(min=1, help="Processor threads of a worker.")]
Processes = Annotated[
    int, typer.Option(min=1, help="Fresh worker processes per block: the sampling unit of intervals.")
]
Precision = Annotated[
    str, typer.Option(metavar="PERCENT", help="A block ends when its intervals are this narrow.")
]
MaxSeconds = Annotated[
    float, typer.Option(min=0.01, help="A block ends after so many seconds of samples, per process.")
]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds that one step of one neuron may take.")]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        metavar="BYTES", help="What a worker may allocate, such as 4GiB; 80 % of the machine by default."
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Of input, weights and order.")]
Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of the run; reports/COMMAND-DATE-TIME by default.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the run in --out: measure only what it lacks.")
]
Memory = Annotated[
    bool, typer.Option("--memory/--no-memory", help="Measure each case's peak memory after the timing.")
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Weights: a checkpoint, weights.safetensors, or a training's folder."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Run more than 500 cases.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List the cases and measure nothing.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Json = Annotated[bool, typer.Option("--json", help="Result as JSON on stdout.")]
Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs, or their run.jsonl.")]


def settings(
    processes: int,
    precision: str,
    max_seconds: float,
    timeout: float,
    max_memory: str | None,
    seed: int,
    memory: bool,
) -> Settings:
    """How blocks are measured, from the texts of the options."""
    from psubench.devices import memory_limit_bytes
    from psubench.runner import Settings

    for option, seconds in (("--max-seconds", max_seconds), ("--timeout", timeout)):
        if not math.isfinite(seconds):
            raise PsubenchError(f"{option} {seconds} never ends", f"write for example {option} 3600")
    if seed > LARGEST_SEED:
        raise PsubenchError(f"seed = {seed} is above {LARGEST_SEED}", "give a smaller one")
    limit = _bytes(max_memory, "--max-memory") if max_memory else memory_limit_bytes()
    return Settings(processes, share(precision, "--precision"), max_seconds, timeout, limit, seed, memory)


def weights(checkpoint: Path, model: str) -> str:
    """The full path of `--checkpoint`, for a network.

    Raises:
        PsubenchError: there is nothing, or nothing that could take weights.
    """
    if model.strip() == "neuron":
        raise PsubenchError("--checkpoint with model neuron: one layer was not trained", "give a network")
    if not checkpoint.exists():
        raise PsubenchError(f'--checkpoint "{checkpoint}" does not exist', "check the path")
    return str(checkpoint.resolve())


def share(text: str, option: str) -> float:
    """A fraction from `2%` or `0.02`."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise PsubenchError(
            f'{option} "{text}" is no share between 0 and 1', f"write for example {option} 2%"
        )
    return value


def _bytes(text: str, option: str) -> int:
    """Bytes from `4GiB`, `500MB` or a plain number."""
    units = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30, "": 1}
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-zA-Z]*)", text.strip(), re.ASCII)
    if match is None or match[2].lower() not in units:
        raise PsubenchError(f'{option} "{text}" is no size', f"write for example {option} 4GiB")
    size = float(match[1]) * units[match[2].lower()]
    if size >= 2**63:
        raise PsubenchError(f'{option} "{text:.60}" is more than any machine has', f"write {option} 4GiB")
    return int(size)


def trains_on(device: str | None) -> str:
    """The device that was asked for, if networks can be trained on it; the fastest present by default."""
    from psubench.devices import resolve

    name = resolve(device)
    if name == "scripted":
        raise PsubenchError(
            "the scripted device invents times and computes nothing", "train with --device cpu"
        )
    return name
