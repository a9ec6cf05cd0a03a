"""The record: durable line by line, torn tails, damage, schema."""

import json
import resource
import subprocess
import sys

import pytest

from psubench import record
from psubench.errors import NOT_COMPARABLE, PsubenchError

RUN = {"type": "run", "schema": record.SCHEMA, "run_id": "r", "cases": []}
BLOCK = {"type": "other", "message": "µs [1, 2]", "values": [1, 2, 3], "none": None}


def write(path, *records):
    with record.Recorder(path) as recorder:
        for one in records:
            recorder.append(one)


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "new" / "run.jsonl"
    write(path, RUN, BLOCK)
    assert record.read(path) == [RUN, BLOCK]
    write(path, {"type": "end"})
    assert record.read(path) == [RUN, BLOCK, {"type": "end"}]


def test_a_last_line_cut_anywhere_is_dropped_and_writing_goes_on(tmp_path):
    path = tmp_path / "run.jsonl"
    write(path, RUN, BLOCK)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        path.write_bytes(whole[:cut])
        assert record.read(path) == [RUN]
        write(path, {"type": "end"})
        assert record.read(path) == [RUN, {"type": "end"}]


@pytest.mark.parametrize("content", [b"", b'{"type":"run","sch'])
def test_an_empty_record_is_an_error(tmp_path, content):
    path = tmp_path / "run.jsonl"
    path.write_bytes(content)
    with pytest.raises(PsubenchError, match="no complete record"):
        record.read(path)


@pytest.mark.parametrize("line", [b"{}", b"[1]", b"\xff\xfe", b"{'type': 1}", b'{"type": 3}', b""])
def test_damage_before_the_last_line_names_the_line(tmp_path, line):
    path = tmp_path / "run.jsonl"
    path.write_bytes(json.dumps(RUN).encode() + b"\n" + line + b"\n" + json.dumps(BLOCK).encode() + b"\n")
    with pytest.raises(PsubenchError, match=r"run\.jsonl, line 2 is damaged") as caught:
        record.read(path)
    assert caught.value.exit_code == NOT_COMPARABLE


def test_another_schema_is_refused(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text('{"type":"run","schema":999}\n')
    with pytest.raises(PsubenchError, match="schema 999") as caught:
        record.read(path)
    assert caught.value.exit_code == NOT_COMPARABLE


def test_nan_never_enters_a_record(tmp_path):
    with (
        record.Recorder(tmp_path / "run.jsonl") as recorder,
        pytest.raises(ValueError, match="JSON compliant"),
    ):
        recorder.append({"type": "block", "ratio": float("nan")})


def test_the_key_depends_on_every_field_and_not_on_their_order():
    key = record.case_key({"neuron": "lif", "T": 4})
    assert key == record.case_key({"T": 4, "neuron": "lif"})
    assert key != record.case_key({"neuron": "lif", "T": 8})
    assert key != record.case_key({"neuron": "lif", "T": 4, "mode": "layer"})


def test_a_full_disk_keeps_every_complete_record(tmp_path):
    path = tmp_path / "run.jsonl"
    script = (
        "import resource, signal, pathlib, sys\n"
        "from psubench import record\n"
        "from psubench.errors import PsubenchError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "recorder = record.Recorder(pathlib.Path(sys.argv[1]))\n"
        f"recorder.append({RUN!r})\n"
        "try:\n"
        "    for number in range(100):\n"
        "        recorder.append({'type': 'other', 'number': number, 'text': 'x' * 90})\n"
        "except PsubenchError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    kept = record.read(path)
    assert [one["number"] for one in kept[1:]] == list(range(len(kept) - 1))
    assert len(kept) > 5
    assert path.read_bytes().endswith(b"\n")
    assert resource.getrlimit(resource.RLIMIT_FSIZE) != (1000, 1000)


def test_an_unwritable_folder_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PsubenchError, match=r"cannot write .*--out"):
        record.Recorder(tmp_path / "file" / "run.jsonl")
