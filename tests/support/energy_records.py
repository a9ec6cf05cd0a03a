"""Records of energy, written by hand: two neurons, windows of round numbers of joules."""

from psubench.records.measured import AGAIN, IDLE

CASE = {
    "kind": "energy", "model": "neuron", "data": "normal", "T": 4, "batch": 8, "size": 16, "device": "cpu",
    "dtype": "float32", "phase": "infer", "mode": "layer", "threads": 1,
}  # fmt: skip


COUNTERS = [
    {"source": "rapl", "name": name, "unit_j": 1e-6, "step_j": step, "period_s": 0.001, "reason": None}
    for name, step in (("package-0", 0.01), ("package-0/dram", 0.02))
]


def window(number, label, calls, seconds, package, dram, reason=None):
    counts = [None if j is None else round(j * 1e6) for j in (package, dram)]
    return {
        "round": number, "label": label, "calls": calls, "wall_ns": round(seconds * 1e9), "counts": counts,
        "reason": reason,
    }  # fmt: skip


def energy_record(process, *windows, status="ok"):
    outcomes = [
        {
            "key": name, "neuron": name, "status": status, "message": None, "verified": True,
            "activity": None,
        }
        for name in ("lif", "psu")
    ]  # fmt: skip
    return {
        "type": "energy", "case": CASE, "process": process, "reference": "lif", "note": None,
        "cases": outcomes, "counters": COUNTERS, "windows": list(windows), "states": [],
    }  # fmt: skip


def header():
    cases = [
        {
            "key": name, "label": name, "reference": "lif",
            "case": {**CASE, "neuron": name, "implementation": "loop"},
        }
        for name in ("lif", "psu")
    ]  # fmt: skip
    return {"type": "run", "run_id": "r", "cases": cases}


FIRST = (
    window(None, IDLE, 0, 5, 40, 10),  # 10 W
    window(0, "lif", 100, 5, 80, 20),  # 1 J a call; idle 12 W of 5 s: 0.6 J of it
    window(0, AGAIN, 100, 5, 80, 20),
    window(0, "psu", 50, 5, 80, 20),  # 2 J a call, 0.8 net
    window(0, IDLE, 0, 5, 60, 10),  # 14 W
)


SECOND = (
    window(1, "psu", 50, 5, 85, 20),  # 2.1 J
    window(1, AGAIN, 100, 5, 80, 20),
    window(1, "lif", 100, 5, 84, 21),  # 1.05 J
    window(1, IDLE, 0, 5, 40, 10),  # 10 W: 12 W around round 1
)


LOST = window(1, "lif", 100, 5, 84, None, "package-0/dram is stuck at 7")
