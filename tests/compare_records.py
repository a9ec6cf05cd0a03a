"""Records with known times: what a run would have written, had its processes been just so fast."""

import copy
import math

from psubench.records import jsonl
from psubench.records.measured import AGAIN
from psubench.suite import Case

ENVIRONMENT = {"os": "Linux", "cpu": "Model 1", "psubench": "0.1.0", "torch": "2.13.0", "device": "cpu"}
LOOPS, REFERENCE_NS = 10, 10**9


def case(neuron, T=8, phase="infer", device="cpu", dtype="float32"):
    """One case of one layer."""
    return Case(
        kind="speed", neuron=neuron, implementation="loop", model="neuron", data="normal", T=T, batch=8,
        size=64, device=device, dtype=dtype, phase=phase, mode="layer", threads=1,
    )  # fmt: skip


def run(cases, processes, *, seed=0, **environment):
    """A record of one block per T and phase.

    Args:
        cases: per case [neuron, T, phase] its log(t_reference / t_case) per process; the first of a block
            is the reference, whose numbers are log(1 s / t).
    """
    planned, blocks = [], {}
    for (neuron, T, phase), values in cases.items():
        blocks.setdefault((T, phase), {})[neuron] = values
    for (T, phase), of_block in blocks.items():
        key = case(next(iter(of_block)), T, phase).key
        planned += [
            {"key": c.key, "case": c.canonical(), "label": c.neuron, "reference": key, "skip": None}
            for c in (case(neuron, T, phase) for neuron in of_block)
        ]
    header = {
        "type": "run", "schema": jsonl.SCHEMA, "run_id": "r", "seed": seed, "cases": planned,
        "environment": {**ENVIRONMENT, **environment}, "worker_environment": {"OMP_NUM_THREADS": "1"},
    }  # fmt: skip
    return [header, *(_block(T, phase, b, p) for (T, phase), b in blocks.items() for p in range(processes))]


def _block(T, phase, neurons, process):
    reference, *others = neurons
    base = REFERENCE_NS * math.exp(-neurons[reference][process])
    fastest = {reference: base, AGAIN: base * 1.01}
    fastest |= {name: base * math.exp(-neurons[name][process]) for name in others}
    return {
        "type": "block", "case": case("", T, phase).canonical(), "process": process, "reference": reference,
        "cases": [
            {
                "key": case(name, T, phase).key, "neuron": name, "status": "ok", "message": None,
                "verified": True,
                "activity": {"spikes": 100, "neuron_steps": 4096, "spike_hash": f"hash-{name}"},
            }
            for name in neurons
        ],
        # The fastest sample decides; the others are what a busy machine makes of them.
        "rounds": 3, "loops": LOOPS, "device_ns": None,
        "wall_ns": {name: [round(ns * 1.7), round(ns), round(ns * 1.2)] for name, ns in fastest.items()},
    }  # fmt: skip


def changed(records, neuron, **fields):
    """A copy in which the outcomes of a neuron have other fields; those of its activity too."""
    records = copy.deepcopy(records)
    for outcome in (o for r in records if r["type"] == "block" for o in r["cases"] if o["neuron"] == neuron):
        for name, value in fields.items():
            target = outcome["activity"] if name in outcome["activity"] else outcome
            target[name] = value
    return records
