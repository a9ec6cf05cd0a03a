"""Records for reports: the committed example cut to two T, the same with all that can go wrong, all kinds."""

import copy
import functools
import json

from support import activity_cases, energy_records, profile_cases, training_records
from support.places import EXAMPLE
from support.records_of import text_of, typed, whole

from psubench.experiments.registry import parts as parts_of
from psubench.records import jsonl
from psubench.records.structs import plain
from psubench.render.report import page

TS = (4, 128)
HOSTILE = "mine.py:<b>A_1&2%</b>"


def good():
    """A run in which every case is ok: 5 neurons, 2 T, 2 phases."""
    records = [plain(one) for one in jsonl.read(EXAMPLE / jsonl.NAME)]
    records[0]["cases"] = [case for case in records[0]["cases"] if case["case"]["T"] in TS]
    return [r for r in records if r["type"] != "block" or r["case"]["T"] in TS]


def small():
    """The cases of one T in inference: quickly drawn."""
    records = [copy.deepcopy(record) for record in good()]
    records[0]["cases"] = [entry for entry in records[0]["cases"] if _small(entry["case"])]
    return [record for record in records if record["type"] != "block" or _small(record["case"])]


def _small(case):
    return case["T"] == TS[0] and case["phase"] == "infer"


def sad():
    """A scripted run, killed and continued, on synthetic data.

    psn is wrong, ipsu is skipped, rpsu is an unverified plug-in with letters that HTML and LaTeX take for
    their own.
    """
    records = copy.deepcopy(good())
    for entry in records[0]["cases"]:
        entry["case"] |= {"device": "scripted", "data": "synthetic:shd"}
        if entry["label"] == "ipsu":
            entry["skip"] = "one of <the> suite's choices"
        if entry["label"] == "rpsu":
            entry["label"] = HOSTILE
            entry["case"]["neuron"] = HOSTILE
    keys = {entry["key"]: entry for entry in records[0]["cases"]}
    for block in (one for one in records if one["type"] == "block"):
        for outcome in block["cases"]:
            label = keys[outcome["key"]]["label"]
            if label == "psn":
                outcome |= {"status": "wrong", "message": "spikes differ", "verified": False}
            if label == HOSTILE:
                outcome["verified"] = None
    again = {**copy.deepcopy(records[0]), "argv": [*records[0]["argv"], "--resume", "--neurons", "a b"]}
    return [*records[:5], again, *records[5:-1]]


def write(records, folder):
    """The folder of a run with these records."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.jsonl").write_bytes(text_of(map(whole, records)))
    return folder


@functools.cache
def page_of(name):
    """The page of `good`, `sad` or `every`; drawn once for all tests."""
    runs = [typed(run) for run in (every_kind() if name == "every" else [{"good": good, "sad": sad}[name]()])]
    return page.render(parts_of(runs), runs)


def every_kind():
    """A run of each kind, made by hand; names and numbers are those of the tests of the kind."""
    plan, outcomes = [], []
    for case in profile_cases.CASES:
        names = ("neuron", "implementation", "model", "data", "T", "batch", "size", "device", "dtype")
        axes = {name: getattr(case, name) for name in (*names, "phase", "mode", "threads")}
        axes["kind"] = "profile"
        plan.append({"key": case.key, "case": axes, "label": case.label, "reference": case.key})
        outcome = {name: getattr(case, name) for name in ("key", "neuron", "status", "message", "verified")}
        outcomes.append(outcome | {"activity": None, "profile": case.profile and plain(case.profile)})
    told = {"type": "profile", "case": plan[0]["case"], "process": 0, "cases": outcomes}
    profile = [{"type": "run", "run_id": "p", "cases": plan}, told]
    energy = [
        energy_records.header(),
        energy_records.energy_record(0, *energy_records.FIRST, *energy_records.SECOND),
    ]
    sparsity = activity_cases.records(neurons=("lif", "psn", "psu", "failed"), psn=("aten::bmm",))
    # Twice, so that sections of a part must not share names.
    training = [training_records.records(), training_records.records("shd")]
    for one in training[1]:
        for entry in one.get("cases", []):
            entry["key"] += "shd"
        if "key" in one:
            one["key"] += "shd"
    training[1][0]["run_id"] = "r2"
    return [good(), *(json.loads(json.dumps(run)) for run in (sparsity, energy, *training, profile))]
