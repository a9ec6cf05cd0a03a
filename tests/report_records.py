"""Records for reports: the committed example cut down to two T, and the same with all that can go wrong."""

import copy
import functools
import json
from pathlib import Path

from psubench.render.report import kinds, page

EXAMPLE = Path(__file__).parent.parent / "reports" / "example"
TS = (4, 128)
HOSTILE = "mine.py:<b>A_1&2%</b>"


def good():
    """A run in which every case is ok: 5 neurons, 2 T, 2 phases."""
    lines = (EXAMPLE / "run.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    records[0]["cases"] = [case for case in records[0]["cases"] if case["case"]["T"] in TS]
    return [r for r in records if r["type"] != "block" or r["case"]["T"] in TS]


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
    for block in (record for record in records if record["type"] == "block"):
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
    text = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "run.jsonl").write_text(text, encoding="utf-8")
    return folder


@functools.cache
def page_of(name):
    """The page of the run `good` or `sad`; drawn once for all tests."""
    runs = [{"good": good, "sad": sad}[name]()]
    return page.render(kinds.parts(runs), runs)
