"""Rows such as an evening on a small machine gives: 5 neurons x 6 T x 2 phases, with three bad cases."""

import math
import os
import random

from msgspec.structs import replace
from support.places import GOLDEN

from psubench.experiments.speed.rows import SpeedRow

TS = (4, 8, 16, 32, 64, 128)
LABELS = ("lif", "psn", "psu", "psu@scan", "mine")
# Seconds per step of the reference, and t_reference / t_neuron = start * (T / 4) ** slope.
STEP_S = {"infer": 21e-6, "train": 64e-6}
RATIOS = {"psn": (2.6, -0.1), "psu": (1.9, -0.32), "psu@scan": (0.7, 0.19), "mine": (1.0, 0.002)}
BAD = {
    ("psu@scan", 64, "train"): (
        "wrong",
        "spikes differ in 3 of 1,048,576 (first at t=17): 0 where the reference has 1",
    ),
    ("mine", 128, "train"): ("timeout", "no answer for 120 s while it was timed"),
}


def rows(**changes):
    """The rows of one run; `changes` replaces fields in all of them."""
    noise = random.Random(7)
    cases = [(phase, T, label) for phase in ("infer", "train") for T in TS for label in LABELS]
    floors = {(phase, T): noise.uniform(0.006, 0.024) for phase, T, _ in cases}
    return [replace(row(phase, T, label, floors[phase, T], noise), **changes) for phase, T, label in cases]


def row(phase, T, label, floor, noise):
    """One case."""
    status, message = BAD.get((label, T, phase), ("ok", None))
    neuron, _, implementation = label.partition("@")
    start, slope = RATIOS.get(label, (1.0, 0.0))
    made = {
        "neuron": neuron if label != "mine" else "mine.py:mine",
        "implementation": {"lif": "loop", "mine": "plugin"}.get(label, implementation or "matrix"),
        "model": "neuron", "data": "spoken-digits", "T": T, "batch": 32, "size": 512, "device": "cpu",
        "dtype": "float32", "phase": phase, "mode": "layer", "threads": 1, "status": status,
        # A plug-in without a reference of its own is timed, and nobody knows whether it is right.
        "verified": None if label == "mine" else status == "ok", "reference": "lif",
        "median_s": None, "p05_s": None, "p95_s": None,
        "ratio": None, "ratio_low": None, "ratio_high": None, "noise_floor": None,
        "rounds": None, "processes": None, "peak_memory_bytes": None, "message": message,
        "run_id": "20261124T101500Z-0a1b2c",
        "label": label, "key": f"{phase}-{T}-{label}", "is_reference": label == "lif", "firing_rate": None,
        "compile": None, "least_bytes": None, "copy_bytes_per_s": None, "copy_share": None,
        "weights": "untrained",
    }  # fmt: skip
    if status != "ok":
        return SpeedRow(**made)
    ratio = start * (T / 4) ** slope * math.exp(noise.gauss(0, 0.004))
    half = 0.02 * math.exp(noise.gauss(0, 0.3))
    median = T * STEP_S[phase] / ratio
    made |= {"median_s": median, "p05_s": median * 0.96, "p95_s": median * 1.11, "noise_floor": floor}
    made |= {"ratio": ratio, "ratio_low": ratio * math.exp(-half), "ratio_high": ratio * math.exp(half)}
    made["firing_rate"] = 0.05 + 0.02 * LABELS.index(label) + T * 1e-5
    # Six digits: the last one must not depend on the machine's exp.
    made |= {name: float(f"{value:.6g}") for name, value in made.items() if isinstance(value, float)}
    return SpeedRow(**made | {"rounds": noise.randrange(60, 200), "processes": 5})


def same_as_golden(name, text):
    """Whether a text is what the file holds; with GOLDEN=write in the environment it is written instead.

    Ends of lines are compared without the spaces that fill a terminal's table.
    """
    path = GOLDEN / name
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    return True
