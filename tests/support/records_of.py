"""Records as tests write them: mappings that say only what a test is about, made whole and into structs."""

import copy
import json

from psubench.compare.evidence import summary
from psubench.records import counted, jsonl, structs

AXES = {
    "neuron": "", "implementation": "loop", "model": "neuron", "data": "normal", "T": 4, "batch": 8,
    "size": 16, "device": "cpu", "dtype": "float32", "phase": "infer", "mode": "layer", "threads": 1,
}  # fmt: skip
COUNTING = {
    "samples": 1, "weights": "untrained", "energy_model": "horowitz45-fp32", "first_layer": "sparse_mac",
    "pooling": "graded",
}  # fmt: skip
KIND_OF_TYPE = {"block": "speed", "energy": "energy", "activity": "sparsity", "profile": "profile"}


TOTAL = {
    **dict.fromkeys(counted.Layer.__struct_fields__), "layer": "total", "role": "total", "kind": "",
    "first": False, "shape": "", "complete": True, "uncounted": [], "unfolded": [],
}  # fmt: skip
COUNTED = {
    "split": "test", "calibrated_layers": 0, "layers": [TOTAL], "maps": [], "raster": [],
    "energy_model": {"name": "m", "source": "s", "verified": True, "omits": "-"},
}  # fmt: skip


def whole(one):
    """A record with everything that its type must have; what the test said stands."""
    one = copy.deepcopy(one)
    kind = one.get("type")
    if kind == "run":
        one = {"schema": jsonl.SCHEMA, **one}
        for planned in one["cases"]:
            planned["case"] = case(planned["case"], planned["case"].get("kind", "speed"))
    elif "cases" in one and kind != "suite":
        one["case"] = case(one.get("case", {}), KIND_OF_TYPE.get(kind, "speed"))
        if kind != "memory":
            one = {"process": 0, "reference": None, **one}
        for outcome in one["cases"]:
            for name in ("verified", "activity"):
                outcome.setdefault(name, None)
        if kind == "activity":
            one["cases"] = [{**(COUNTED if o["status"] == "ok" else {}), **o} for o in one["cases"]]
        if kind == "block":
            one = {"device_ns": None, "wall_ns": {}, "rounds": 0, "loops": 0, **one}
        if kind == "energy":
            one = {"counters": [], "windows": [], **one}
    elif kind == "trained":
        one = {**dict.fromkeys(("message", "test", "peak_memory_bytes", "parameters")), **one}
    return one


def case(axes, kind):
    """A case of a kind with all of its axes."""
    if kind == "training":
        return axes
    return {"kind": kind, **AXES, **(COUNTING if kind == "sparsity" else {}), **axes}


def typed(records):
    """Records as structs."""
    return [structs.build(whole(one)) if isinstance(one, dict) else one for one in records]


def summed(records):
    """What records, as structs or mappings, are compared by."""
    return summary(typed(records))


def text_of(records):
    """Records as a file holds them, as they stand: also what is not whole, and what JSON does not allow."""
    return b"".join(jsonl.sealed(json.dumps(one)) + b"\n" for one in records)


def plain(records):
    """Records as mappings, which a test may change."""
    return [structs.plain(one) for one in records]
