"""Runs in one record belong together, or the record is refused."""

import copy

import pytest
from support import robustness
from support.places import ROOT
from support.records_of import text_of

from psubench.errors import PsubenchError
from psubench.records import jsonl, origins
from psubench.records.structs import build
from psubench.runs import header as runs_header

SPEED = robustness.RUNS["speed"]


def changed(header, **values):
    found = copy.deepcopy(dict(header))
    for name, value in values.items():
        where, _, key = name.partition("__")
        if key:
            found[where] = {**found.get(where, {}), key: value}
        else:
            found[where] = value
    return found


def difference(before, now):
    return origins.difference(build(before), build(now))


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"seed": 7}, "seed"),
        ({"psubench": "9"}, "psubench"),
        ({"environment__cpu": "another"}, "environment cpu"),
        ({"environment__cpu_capability": "AVX2"}, "environment cpu_capability"),
        ({"plugins__a.py:A": "1111"}, "the plug-in a.py:A"),
        ({"checkpoints__w.pt": "1111"}, "the weights in w.pt"),
        ({"settings__checkpoint": "other.pt"}, "the weights of"),
        ({"environment__memory_bytes": 20_000_000_000}, "environment memory_bytes"),
    ],
)
def test_what_two_runs_were_made_with_differs(values, what):
    before = changed(SPEED[0], **{"plugins__a.py:A": "0000", "checkpoints__w.pt": "0000"})
    now = changed(before, **values)
    assert difference(before, copy.deepcopy(before)) is None
    assert difference(before, now)[0] == what


def test_a_page_of_memory_is_no_other_machine():
    before = changed(SPEED[0], environment__memory_bytes=10_000_000_000)
    assert difference(before, changed(before, environment__memory_bytes=10_000_004_096)) is None


def test_a_plugin_that_the_last_run_lacked_is_still_known(tmp_path):
    first, last = (changed(SPEED[0], plugins=plugins) for plugins in ({"a.py:A": "0"}, {"b.py:B": "0"}))
    with pytest.raises(PsubenchError, match=r"the plug-in a\.py:A '0', this one has '1'"):
        runs_header.check_resumable(
            [build(first), build(last)], build(changed(first, plugins={"a.py:A": "1"})), tmp_path
        )


def joined(tmp_path, *runs):
    path = tmp_path / jsonl.NAME
    path.write_bytes(b"".join(text_of(run) for run in runs))
    return path


def test_the_records_of_two_machines_in_one_file_are_refused(tmp_path):
    other = [changed(SPEED[0], environment__cpu="another"), *SPEED[1:]]
    path = joined(tmp_path, SPEED, other)
    with pytest.raises(PsubenchError, match=f"line {len(SPEED) + 1} is damaged: environment cpu was"):
        jsonl.read(path)


@pytest.mark.parametrize("kind", ["speed", "energy", "sparsity", "profile"])
def test_a_run_twice_in_one_file_is_refused(tmp_path, kind):
    run = robustness.RUNS[kind]
    jsonl.read(joined(tmp_path, run))
    with pytest.raises(PsubenchError, match="was measured before, in the same process"):
        jsonl.read(joined(tmp_path, run, run))


def test_a_resumed_run_measures_its_reference_again_and_can_be_read(tmp_path):
    head, first, *_ = SPEED
    reference = next(case["reference"] for case in head["cases"])
    alone = {**first, "cases": [one for one in first["cases"] if one["key"] == reference]}
    jsonl.read(joined(tmp_path, [head, first], [head, alone]))


def test_every_committed_record_can_be_read():
    found = {path.parent.name: jsonl.read(path) for path in sorted((ROOT / "reports").glob("*/run.jsonl"))}
    assert {"example", "example-accuracy", "selftest-power"} <= found.keys()
    assert all(len(records) > 1 for records in found.values())
