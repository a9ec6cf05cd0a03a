"""The record: durable line by line, torn tails, damage, schema."""

import os
import resource
import subprocess
import sys

import pytest
from msgspec.structs import replace
from support.records_of import typed

from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.records import jsonl
from psubench.records import recorder as records_recorder
from psubench.records.jsonl import line_of
from psubench.records.run import End, Run

RUN = Run(schema=jsonl.SCHEMA, run_id="r", cases=[])
(BLOCK,) = typed([{"type": "block", "note": "µs [1, 2]", "labels": ["a"], "stopped": None, "cases": []}])
END = End(status="complete")


def write(path, *records):
    with records_recorder.Recorder(path) as recorder:
        for one in records:
            recorder.append(one)


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "new" / "run.jsonl"
    write(path, RUN, BLOCK)
    assert jsonl.read(path) == [RUN, BLOCK]
    write(path, END)
    assert jsonl.read(path) == [RUN, BLOCK, END]


def test_a_last_line_cut_anywhere_is_dropped_and_writing_goes_on(tmp_path):
    path = tmp_path / "run.jsonl"
    write(path, RUN, BLOCK)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        path.write_bytes(whole[:cut])
        assert jsonl.read(path) == [RUN]
        write(path, END)
        assert jsonl.read(path) == [RUN, END]


@pytest.mark.parametrize("content", [b"", b'{"type":"run","sch'])
def test_an_empty_record_is_an_error(tmp_path, content):
    path = tmp_path / "run.jsonl"
    path.write_bytes(content)
    with pytest.raises(PsubenchError, match="no complete record"):
        jsonl.read(path)


@pytest.mark.parametrize("line", [b"{}", b"[1]", b"\xff\xfe", b"{'type': 1}", b'{"type": 3}', b""])
def test_damage_before_the_last_line_names_the_line(tmp_path, line):
    path = tmp_path / "run.jsonl"
    path.write_bytes(line_of(RUN) + line + b"\n" + line_of(BLOCK))
    with pytest.raises(PsubenchError, match=r"run\.jsonl, line 2 is damaged") as caught:
        jsonl.read(path)
    assert caught.value.exit_code == NOT_COMPARABLE


def test_another_schema_is_refused(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text('{"type":"run","schema":999}\n')
    with pytest.raises(PsubenchError, match="schema 999") as caught:
        jsonl.read(path)
    assert caught.value.exit_code == NOT_COMPARABLE


def test_nan_never_enters_a_record(tmp_path):
    with (
        records_recorder.Recorder(tmp_path / "run.jsonl") as recorder,
        pytest.raises(ValueError, match="JSON compliant"),
    ):
        recorder.append(replace(RUN, settings={"ratio": float("nan")}))


def test_the_key_depends_on_every_field_and_not_on_their_order():
    key = jsonl.case_key({"neuron": "lif", "T": 4})
    assert key == jsonl.case_key({"T": 4, "neuron": "lif"})
    assert key != jsonl.case_key({"neuron": "lif", "T": 8})
    assert key != jsonl.case_key({"neuron": "lif", "T": 4, "mode": "layer"})


def test_a_full_disk_keeps_every_complete_record(tmp_path):
    path = tmp_path / "run.jsonl"
    script = (
        "import resource, signal, pathlib, sys\n"
        "from psubench.records import jsonl\n"
        "from psubench.records.recorder import Recorder\n"
        "from psubench.errors import PsubenchError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "recorder = Recorder(pathlib.Path(sys.argv[1]))\n"
        "from psubench.records.run import Run\n"
        "run = Run(schema=jsonl.SCHEMA, run_id='r', cases=[])\n"
        "recorder.append(run)\n"
        "try:\n"
        "    for number in range(100):\n"
        "        recorder.append(Run(schema=jsonl.SCHEMA, run_id=str(number), cases=[], argv=['x' * 90]))\n"
        "except PsubenchError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    kept = jsonl.read(path)
    assert [one.run_id for one in kept[1:]] == [str(number) for number in range(len(kept) - 1)]
    assert len(kept) > 2
    assert path.read_bytes().endswith(b"\n")
    assert resource.getrlimit(resource.RLIMIT_FSIZE) != (2000, 2000)


def test_an_unwritable_folder_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PsubenchError, match=r"cannot write .*--out"):
        records_recorder.Recorder(tmp_path / "file" / "run.jsonl")


def test_a_record_has_one_writer(tmp_path):
    path = tmp_path / "run.jsonl"
    with records_recorder.Recorder(path) as first:
        first.append(RUN)
        with pytest.raises(PsubenchError, match=r"another psubench is writing .*run\.jsonl"):
            records_recorder.Recorder(path)
        first.append(BLOCK)
    assert jsonl.read(path) == [RUN, BLOCK]
    write(path, END)
    assert jsonl.read(path) == [RUN, BLOCK, END]


def test_a_killed_writer_holds_nothing(tmp_path):
    path = tmp_path / "run.jsonl"
    script = (
        "import pathlib, sys, time\nfrom psubench.records.recorder import Recorder\n"
        "from psubench.records.run import Run\n"
        f"recorder = Recorder(pathlib.Path(sys.argv[1]))\nrecorder.append({RUN!r})\n"
        "print('held', flush=True)\ntime.sleep(600)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "held\n"
    with pytest.raises(PsubenchError, match="another psubench is writing"):
        records_recorder.Recorder(path)
    writer.kill()
    writer.communicate()
    write(path, BLOCK)
    assert jsonl.read(path) == [RUN, BLOCK]


@pytest.mark.parametrize(
    "content", [b"my notes\n", b"no line end", b'{"a": 1}\n', b'[{"type":"run"}]\n', b"\x00" * 40]
)
def test_a_file_that_is_not_a_record_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "run.jsonl"
    path.write_bytes(content)
    with pytest.raises(PsubenchError, match="is not a record of psubench, and is left as it is"):
        records_recorder.Recorder(path)
    assert path.read_bytes() == content


def test_links_and_pipes_are_not_written_through(tmp_path):
    victim, path = tmp_path / "victim", tmp_path / "run.jsonl"
    write(victim, RUN)
    before = victim.read_bytes()
    for make in (path.symlink_to, path.hardlink_to, lambda _: os.mkfifo(path), lambda _: path.mkdir()):
        make(victim)
        with pytest.raises(PsubenchError, match="cannot write"):
            records_recorder.Recorder(path)
        assert victim.read_bytes() == before
        path.rmdir() if path.is_dir() else path.unlink()
    path.symlink_to(tmp_path / "new")
    with pytest.raises(PsubenchError, match="it is a link"):
        records_recorder.Recorder(path)
    assert not (tmp_path / "new").exists()


def test_a_run_that_was_killed_while_it_wrote_its_plan_can_begin_again(tmp_path):
    path = tmp_path / "run.jsonl"
    whole = b'{"type":"run","schema":1,"run_id":"r"'
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        write(path, RUN)
        assert jsonl.read(path) == [RUN]


def test_a_signal_in_the_midst_of_a_line_leaves_no_half_of_it(tmp_path, monkeypatch):
    """Another thread may take the signal, so that it reaches the one that writes in spite of its mask."""
    path, sync = tmp_path / "run.jsonl", os.fsync

    def interrupted(file):
        monkeypatch.setattr(os, "fsync", sync)
        raise KeyboardInterrupt

    with records_recorder.Recorder(path) as recorder:
        recorder.append(RUN)
        monkeypatch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            recorder.append(BLOCK)
        recorder.append(END)
    assert jsonl.read(path) == [RUN, END]
