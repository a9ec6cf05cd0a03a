"""Profiles made by hand, whose sums can be checked in the head."""

import msgspec

from psubench.experiments.profile.rows import Case
from psubench.records.profiled import Profile

SECOND = 10**9


def sums(self_ns=0, launches=0, allocated=0, device_ns=0):
    return {
        "self_ns": self_ns, "device_ns": device_ns, "launches": launches, "allocated_bytes": allocated,
    }  # fmt: skip


def layer(name, role, kind, forward, backward):
    return {"layer": name, "role": role, "kind": kind, "forward": forward, "backward": backward}


def operator(name, role, calls, self_ns, total_ns, kept):
    return {
        "operator": name, "role": role, "calls": calls, "self_ns": self_ns, "total_ns": total_ns,
        "device_ns": 0, "bytes": kept,
    }  # fmt: skip


def profile(unit, launches):
    """Two calls of 100 units each: 40 % neuron, 30 % synapse, 29 % other, 1 % unattributed."""
    return {
        "trace": f"traces/a-{launches}/a-{launches}.pt.trace.json.gz",
        "bare_ns": [60 * unit, 50 * unit, 90 * unit],
        "calls": 2,
        "call_ns": [90 * unit, 110 * unit],
        "layers": [
            layer("fc1", "synapse", "Linear", sums(20 * unit, 2, 4096), sums(40 * unit, 4)),
            layer("neuron1", "neuron", "lif", sums(30 * unit, launches), sums(50 * unit, launches)),
            layer("(no layer)", "other", "", sums(50 * unit, 2), sums(8 * unit)),
            layer("(unattributed)", "unattributed", "", sums(), sums(2 * unit, 1)),
        ],
        "operators": [
            operator("aten::addmm", "synapse", 2, 15 * unit, 20 * unit, 3 << 20),
            operator("autograd::engine::evaluate_function: AddmmBackward0", "synapse", 2, unit, 39 * unit, 0),
            operator("aten::lerp", "neuron", 9, 30 * unit, 30 * unit, -(1 << 20)),
        ],
        "memory": {"bytes": [0, 3 << 20, 5 << 20, 1 << 20], "peak_bytes": 5 << 20, "duration_ns": 90 * unit},
        "forward_ns": 40 * unit,
    }


def shown(found):
    """A profile as `psubench.experiments.profile.rows.cases` gives it."""
    return msgspec.convert(found, Profile) if found else None


def case(label, found, **changed):
    told = {
        "neuron": "lif", "implementation": "loop", "model": "mlp", "data": "spoken-digits",
        "T": 4, "batch": 2, "size": None, "device": "cpu", "dtype": "float32", "phase": "train",
        "mode": "layer", "threads": 1, "key": label, "label": label, "run_id": "r", "status": "ok",
        "message": None, "verified": True, "note": None, "profile": shown(found), **changed,
    }  # fmt: skip
    return Case(**told)


CASES = [
    case("lif [step]", profile(SECOND // 100, 100), mode="step"),
    case("psu", profile(SECOND // 1000, 7)),
    case("mine|2", profile(SECOND // 10000, 7), verified=False),
    case("bad", None, status="failed", message="it raised"),
]
