"""What the robustness tests share: the command line in this process, records of every kind, edits of them."""

import copy
import os
import random

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from support import activity_cases, energy_records, profile_cases, training_records
from support.command_line import here
from support.places import EXAMPLE
from support.records_of import whole

from psubench.errors import CASE_FAILED
from psubench.records import jsonl
from psubench.records.structs import plain

CODES = {0, 1, 2, 3, 4, 5, 124, 130}
SCALE = int(os.environ.get("PSUBENCH_SWEEP", "1"))
"""How many times as many examples as in CI; see scripts/sweep.py."""
JUNK = (
    None, True, False, 0, -1, 1, 2.5, -0.5, 1e300, 1e-300, 10**40, "", "x", "$x_{", "_mine",
    "µ\u2028\x00\x1b[31m", "y" * 3000, "\ud800", [], {}, [1], ["lif"], {"a": 1}, [[[[[]]]]],
    float("nan"), float("inf"),
)  # fmt: skip


def call(*arguments):
    """Exit code, standard output and standard error of the program; whatever it does not catch is raised."""
    done = here(*arguments)
    return done.returncode, done.stdout, done.stderr


def ends_well(*arguments):
    """Runs the program, which must give a result or one line of error; returns code and standard output."""
    code, out, err = call(*arguments)
    assert code in CODES, arguments
    if code and not (arguments[0] == "compare" and out):  # whose verdict is its exit code
        lines = err.splitlines()
        if code == CASE_FAILED and out:  # a line per case that failed, and the result
            assert not any(line.startswith(("error: ", "Traceback")) for line in lines)
            return code, out
        assert len(lines) == 1, (arguments, err)
        assert lines[0].startswith("error: "), err
        assert ";" in lines[0], f"no remedy: {err}"
    return code, out


def _joined(head):
    return {"schema": jsonl.SCHEMA, "psubench": "0", "seed": 0, "environment": {}, "plugins": {}, **head}


def speed():
    """The committed run, at one T, with 20 rounds of two processes."""
    records = [plain(one) for one in jsonl.read(EXAMPLE / jsonl.NAME)]
    chosen = [r for r in records if r["type"] == "block" and r["case"]["T"] == 4 and r["process"] < 2]
    for one in chosen:
        one["wall_ns"] = {name: samples[:20] for name, samples in one["wall_ns"].items()}
        one |= {"rounds": 20, "order": one["order"][:2], "faults": [], "cpu_ns": [], "elapsed_s": 1.5}
    head = {**records[0], "cases": [c for c in records[0]["cases"] if c["case"]["T"] == 4]}
    peak = {"status": "ok", "message": None, "peak_memory_bytes": 4096}
    memory = {"type": "memory", "case": chosen[0]["case"], "elapsed_s": 0.5}
    memory["cases"] = [{**peak, "key": case["key"], "neuron": case["label"]} for case in head["cases"]]
    return [head, *chosen, memory, records[-1]]


def energy():
    """Two processes; in the second a window was lost."""
    one = energy_records.energy_record(0, *energy_records.FIRST, *energy_records.SECOND)
    two = energy_records.energy_record(
        1, *energy_records.FIRST, energy_records.LOST, *energy_records.SECOND[:2]
    )
    return [_joined(energy_records.header()), one, two, {"type": "end", "status": "complete"}]


def sparsity():
    """Three cases that were counted, one of them in part, one that failed and one that never ran."""
    found = activity_cases.records(("lif", "psn", "psu", "failed", "never"), psn=("stft",))
    return [_joined(found[0]), *found[1:]]


def training():
    """Trainings of three neurons, some of several seeds, one of which failed and one did not end."""
    return [_joined((found := training_records.records())[0]), *found[1:]]


def _told(value):
    return plain(value) if isinstance(value, msgspec.Struct) else value


def profile():
    """Three profiles, and a case that failed."""
    axes = (
        *("kind", "neuron", "implementation", "model", "data", "T", "batch", "size"),
        *("device", "dtype", "phase", "mode", "threads"),
    )
    found = [
        {**plain(one), "T": 4 + place, "kind": "profile", "activity": None}
        for place, one in enumerate(profile_cases.CASES)
    ]
    cases = [{name: one[name] for name in axes} for one in found]
    told = ("key", "neuron", "status", "message", "verified", "activity", "profile")
    planned = [
        {"key": one["key"], "label": one["label"], "reference": one["key"], "skip": None, "case": case}
        for one, case in zip(found, cases, strict=True)
    ]
    return [
        _joined({"type": "run", "run_id": "r", "cases": planned}),
        *(
            {
                "type": "profile",
                "case": case,
                "process": 0,
                "note": None,
                "cases": [{n: _told(one[n]) for n in told}],
            }
            for one, case in zip(found, cases, strict=True)
        ),
    ]


MADE = {
    "speed": speed(), "energy": energy(), "sparsity": sparsity(),
    "training": training(), "profile": profile(),
}  # fmt: skip
RUNS = {kind: [whole(one) for one in records] for kind, records in MADE.items()}


def spot(draw, tree):
    """A container inside of a tree, and a key or an index in it: first how deep, then where."""
    here, key = tree, draw.choice(_keys(tree))
    for _ in range(draw.choice((0, 1, 2, 3, 4, 6, 8))):
        inside = here[key]
        if not _keys(inside):
            break
        here, key = inside, draw.choice(_keys(inside))
    return here, key


def _keys(tree):
    return list(tree) if isinstance(tree, dict) else list(range(len(tree))) if isinstance(tree, list) else []


def edited(records, seed, changes=None):
    """A copy of records with one to three random edits; `changes` are the names of those that may be made."""
    draw = random.Random(seed)
    records = copy.deepcopy(records)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        here, key = spot(draw, records[draw.randrange(len(records))])
        change = draw.choice(changes or ("junk", "junk", "junk", "drop", "swap", "double", "move", "line"))
        if change == "junk":
            here[key] = copy.deepcopy(draw.choice(JUNK))
        elif change == "drop":
            del here[key]
        elif change in ("null", "forget"):  # of an object; an element less is another list
            while isinstance(here, list) and _keys(here[key]):
                here, key = here[key], draw.choice(_keys(here[key]))
            if isinstance(here, dict) and change == "forget":
                del here[key]
            else:
                here[key] = None
        elif change == "double" and isinstance(here, list):
            here.insert(key, copy.deepcopy(here[key]))
        elif change == "move" and isinstance(here, dict):
            here[f"{key}x"] = here.pop(key)
        elif change == "line" and len(records) > 1:
            del records[draw.randrange(len(records))]
        else:
            i, j = draw.randrange(len(records)), draw.randrange(len(records))
            records[i], records[j] = records[j], records[i]
        records = [one for one in records if _keys(one)]
        if not records:
            break
    return records


SEEDS = st.integers(0, 2**32)


def examples(count):
    return settings(
        max_examples=count * SCALE, deadline=None, derandomize=SCALE == 1, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
