"""Records as structs: what was changed is noticed, what was written before is still read."""

import json
import random

import pytest
from support.records_of import plain, text_of, typed, whole

from psubench.errors import NOT_COMPARABLE, NeuronError, PsubenchError, UnsupportedError, WrongError
from psubench.experiments.profile import rows
from psubench.experiments.sparsity import rows as sparsity
from psubench.records import jsonl, structs
from psubench.records.counted import Activity
from psubench.records.failures import cause_of_death, classify
from psubench.records.measured import Block
from psubench.records.profiled import Profiled

CASE = {"kind": "speed", "neuron": "psu"}
HEAD = {"type": "run", "run_id": "r", "cases": [{"key": "k", "label": "psu", "reference": "k", "case": CASE}]}
OK = {"key": "k", "neuron": "psu", "status": "ok", "message": None}
BLOCK = {
    "type": "block", "process": 0, "rounds": 2, "loops": 3, "wall_ns": {"psu": [10, 11]}, "cases": [OK],
}  # fmt: skip


def written(tmp_path, content):
    path = tmp_path / jsonl.NAME
    path.write_bytes(content)
    return path


def refused(path):
    with pytest.raises(PsubenchError) as caught:
        jsonl.read(path)
    assert caught.value.exit_code == NOT_COMPARABLE
    assert "\n" not in str(caught.value)
    return str(caught.value)


def older(*records):
    """Lines of schema 1, which have no checksum."""
    return b"".join(json.dumps({**one, "schema": 1}).encode() + b"\n" for one in records)


def test_every_flipped_bit_is_noticed(tmp_path):
    content = text_of(map(whole, [HEAD, BLOCK, {"type": "end", "status": "complete"}]))
    draw = random.Random(0)
    last = len(content) - 1  # without its newline the last line is a torn one
    places = [draw.randrange(8 * last) for _ in range(300)] + [8 * last - 1, 0]
    for place in places:
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(PsubenchError):
            jsonl.read(written(tmp_path, bytes(changed)))


@pytest.mark.parametrize("change", [(b"[10,11]", b"[10,12]"), (b'"loops":3', b'"loops":4'), (b"\n", b"\r\n")])
def test_a_value_that_is_possible_too_is_noticed(tmp_path, change):
    content = b"".join(map(jsonl.line_of, typed([HEAD, BLOCK])))
    assert len(jsonl.read(written(tmp_path, content))) == 2
    assert "checksum" in refused(written(tmp_path, content.replace(*change)))


def test_schema_1_is_read_and_its_values_are_checked(tmp_path):
    lines = [whole(HEAD), whole(BLOCK)]
    assert jsonl.read(written(tmp_path, older(*lines))) == typed([HEAD, BLOCK])
    lines[1]["cases"][0]["status"] = 5
    said = refused(written(tmp_path, older(*lines)))
    assert "line 2 is damaged: cases[0].status: Expected" in said
    assert "(psu)" in said  # whose case it is


@pytest.mark.parametrize(
    ("kind", "struct"), [("sparsity", Activity), ("profile", Profiled), ("speed", Block)]
)
def test_a_worker_that_died_left_a_block_of_any_kind_in_schema_1(tmp_path, kind, struct):
    planned = {**HEAD, "cases": [{**HEAD["cases"][0], "case": {**CASE, "kind": kind}}]}
    (head,) = plain(typed([planned]))
    axes = {**head["cases"][0]["case"], "neuron": ""}
    lost = {**OK, "status": "oom", "message": "killed", "verified": None, "activity": None}
    block = {"type": "block", "case": axes, "process": 0, "reference": None, "cases": [lost]}
    records = jsonl.read(written(tmp_path, older(head, block)))
    assert type(records[1]) is struct
    read = {"sparsity": sparsity.cases, "profile": rows.cases}.get(kind)
    if read is not None:
        assert [(one.status, one.message) for one in read(records)] == [("oom", "killed")]


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"end","status":"complete","status":"interrupted"}',
        b'{"type":"end","status":"complete","more":{"a":1,"a":1}}',
        b'{"type":"end","status":"complete","more":NaN}',
        b'{"type":"end","status":"complete","more":-Infinity}',
        b'{"type":"end","status":"complete","more":"\\ud800"}',
        b'{"type":"end","status":"complete","more":' + b"9" * 5000 + b"}",
        b'{"type":"end","status":"complete","more":' + b"[" * 100_000 + b"}",
        b'{"type":"ended","status":"complete"}',
        b'{"type":["end"],"status":"complete"}',
        b'{"status":"complete"}',
    ],
)
@pytest.mark.parametrize("schema", [1, 2])
def test_what_json_can_hold_and_a_record_cannot_is_one_line(tmp_path, line, schema):
    head = older(whole(HEAD)) if schema == 1 else text_of([whole(HEAD)])
    line = line if schema == 1 else jsonl.sealed(line.decode())
    assert "line 2 is damaged" in refused(written(tmp_path, head + line + b"\n"))


@pytest.mark.parametrize("value", [0, -1, 2**63, 1.5, True, None, "10", 1e40])
def test_a_sample_is_a_whole_number_above_0_of_64_bits(value):
    with pytest.raises(ValueError, match="wall_ns"):
        structs.build(whole({**BLOCK, "wall_ns": {"psu": [10, value]}}))


def test_fields_of_a_later_version_are_passed_over(tmp_path):
    lines = [whole(HEAD), {**whole(BLOCK), "colour": "red"}]
    assert jsonl.read(written(tmp_path, text_of(lines))) == typed([HEAD, BLOCK])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NeuronError("masked-psn(k=9) has k > T = 4", "take a smaller k"), "unsupported"),
        (UnsupportedError("no CUDA", "take cpu"), "unsupported"),
        (PsubenchError("no file", "give one"), "failed"),
        (WrongError("spikes differ"), "wrong"),
        (MemoryError(), "oom"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 1 GB"), "oom"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "oom"),
        (ZeroDivisionError("division by zero"), "failed"),
    ],
)
def test_what_a_case_raised_has_one_status_whatever_was_asked(error, status):
    assert classify(error)[0] == status
    assert "\n" not in classify(error)[1]


def test_what_a_process_died_of():
    assert cause_of_death(-9, "the worker")[0] == "oom"
    assert cause_of_death(-11, "the process") == ("failed", "the process died of SIGSEGV")
    assert cause_of_death(3, "the worker", "no disk") == (
        "failed",
        "the worker ended with exit code 3: no disk",
    )
