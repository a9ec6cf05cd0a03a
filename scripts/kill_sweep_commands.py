"""What `kill_sweep.py` runs: every command, as small as it can be, and the files that some of them need."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from threading import Event

_SMALL = ["--T", "4", "--batch", "4", "--threads", "1", "--device", "cpu", "--quiet"]
_LAYER = [*_SMALL, "--size", "16", "--processes", "2", "--data", "normal", "--neurons", "lif,psu"]
_NET = ["--model", "mlp(width=0.1)", "--data", "spoken-digits"]
_TRAINED = [*_NET, "--T", "4", "--epochs", "20", "--batch", "800", "--device", "cpu", "--quiet"]
_SCRIPTED = ["--suite", "suite.toml", "--device", "scripted"]
RESUMED = {
    "energy": ["energy", *_LAYER, "--T", "4,8", "--phase", "infer", "--windows", "2", "--window", "0.1"],
    "accuracy": ["accuracy", *_TRAINED, "--neurons", "lif,psu", "--jobs", "1"],
    "selftest": [
        "selftest",
        "aa",
        "--suite",
        "built-in.toml",
        "--device",
        "scripted",
        "--suites",
        "1",
        "--budget",
        "60",
    ],
    "run": ["run", "suite.toml", "--processes", "2", "--device", "cpu", "--quiet"],
    "speed": ["speed", *_LAYER, "--T", "4..6+1", "--phase", "infer", "--max-seconds", "0.3"],
    "sparsity": ["sparsity", *_SMALL, *_NET, "--T", "4..12+1", "--samples", "8", "--neurons", "lif,psu"],
    "profile": ["profile", *_SMALL, *_NET, "--neurons", "lif,psu", "--phase", "infer"],
    "train": ["train", *_TRAINED, "--neuron", "lif"],
}
"""Commands that go on with --resume."""
ONCE = {
    "doctor": ["doctor", "--seconds", "2", "--processes", "2", "--quiet"],
    "baseline": [
        "baseline",
        "update",
        *_SCRIPTED,
        "--processes",
        "2",
        "--limit",
        "90%",
        "--out",
        "../baseline",
    ],
    "compare --git": ["compare", "--git", "base", *_SCRIPTED, "--budget", "60"],
}
"""Commands that measure and begin anew each time."""
READING = {
    "show": ["show", "RUN"],
    "export": ["export", "RUN", "--format", "csv", "--out", "OUT/rows.csv"],
    "plot": ["plot", "RUN", "--format", "png", "--out", "OUT"],
    "report": ["report", "RUN", "--out", "OUT"],
    "compare": ["compare", "RUN", "RUN"],
}
SUITE = """version = 1
[settings]
max_seconds = 0.3
[[speed]]
neurons = "lif,psu,mine.py:Mine"
data = "normal"
T = "4,8"
batch = 4
size = 16
phase = "infer"
"""
NEURON = """import torch


class Mine(torch.nn.Module):
    causal = True

    def __init__(self, T):
        super().__init__()

    def forward(self, x):
        return (x >= 1).to(x.dtype)
"""
ZONES = {"intel-rapl:0": ("package-0", 30), "intel-rapl:0:0": ("dram", 5)}
"""Names of energy counters, and their watts."""


def repository(folder: Path) -> None:
    """A user's repository with a suite, a neuron, and the revisions that are compared."""
    folder.mkdir()
    (folder / "suite.toml").write_text(SUITE)
    (folder / "built-in.toml").write_text(SUITE.replace(",mine.py:Mine", ""))
    for text, message in ((NEURON, "base"), (f"{NEURON}# The same.\n", "new")):
        (folder / "mine.py").write_text(text)
        git(folder, "init", "--quiet")
        git(folder, "add", ".")
        git(folder, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", message)
        git(folder, "tag", message)


def git(folder: Path, *words: str) -> str:
    """What git says."""
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout


def count(host: Path, stopped: Event) -> None:
    """Lets energy counters below a folder, as Linux shows them, count at a constant power until stopped."""
    while not stopped.is_set():
        for name, (title, watts) in ZONES.items():
            zone = host / "sys/class/powercap" / name
            if not zone.is_dir():
                zone.mkdir(parents=True)
                (zone / "name").write_text(title)
                (zone / "max_energy_range_uj").write_text(str(2**60))
            # Replaced, so that a reader finds the old number or the new one.
            (zone / "new").write_text(str(int(time.monotonic() * watts * 1e6)))
            os.replace(zone / "new", zone / "energy_uj")
        time.sleep(0.02)
