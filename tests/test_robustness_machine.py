"""What machines do: full disks, folders that go away, two runs at once. Real processes, real limits."""

import os
import resource
import shutil
import signal
import subprocess

import pytest
from support.command_line import LONGEST_SECONDS, PROGRAM, here, until

from psubench.records import jsonl
from psubench.records.measured import Block
from psubench.records.run import End, Run

pytestmark = pytest.mark.slow

RUN = [*PROGRAM, "speed", "--batch", "1", "--size", "4", "--data", "normal", "--neurons",
    "psu", "--phase", "infer", "--processes", "1", "--max-seconds", "0.02", "--no-memory", "--quiet",
]  # fmt: skip
SCRIPTED = [*RUN, "--device", "scripted", "--T", "2..4+1"]
ENDLESS = [*RUN, "--T", "4..200+1", "--device"]  # more than a test waits for


def limited(size):
    """Lets a process write files of at most so many bytes: what a full disk does to it."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def ended(command, **how):
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=LONGEST_SECONDS, **how
    )
    return done.returncode, done.stderr.splitlines()


def ended_here(command):
    done = here(*command[len(PROGRAM) :])
    return done.returncode, done.stderr.splitlines()


@pytest.fixture
def running():
    """Starts commands, and ends what a test leaves."""
    started = []

    def start(command, **how):
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **how))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_full_disk_ends_a_run_in_one_line_and_resume_completes_it(tmp_path):
    path = tmp_path / "run" / jsonl.NAME
    assert ended_here([*SCRIPTED, "--out", str(tmp_path / "whole")]) == (0, [])
    whole = (tmp_path / "whole" / jsonl.NAME).read_bytes()
    room = whole.index(b"\n", whole.index(b'{"type":"block"')) + 200  # the plan, a block, a part of the next
    command = [*SCRIPTED, "--out", str(path.parent)]
    code, said = ended(command, preexec_fn=limited(room))
    assert code == 2
    assert len(said) == 1
    assert said[0].startswith(f"error: cannot write {path}: File too large; what was recorded before is kept")
    kept = path.read_bytes()
    assert [type(one) for one in jsonl.read(path)] == [Run, Block]
    assert kept.endswith(b"\n")
    assert ended_here([*command, "--resume"]) == (0, [])
    assert path.read_bytes().startswith(kept)
    blocks = [one.case.T for one in jsonl.read(path) if isinstance(one, Block)]
    assert blocks == [2, 3, 4]


def test_a_disk_without_any_room_is_one_line(tmp_path):
    for device in ("scripted", "cpu"):
        code, said = ended([*RUN, "--device", device, "--out", str(tmp_path)], preexec_fn=limited(0))
        assert (code, len(said)) == (2, 1)
        assert said[0].startswith("error: ")


def test_a_run_whose_folder_is_removed_ends_and_says_so(tmp_path, running):
    out = tmp_path / "run"
    run = running([*ENDLESS, "scripted", "--out", str(out)])
    until(lambda: (out / jsonl.NAME).exists() and b'"block"' in (out / jsonl.NAME).read_bytes(), run)
    shutil.rmtree(out)
    _, said = run.communicate(timeout=LONGEST_SECONDS)
    assert run.returncode == 2
    assert said == (
        f"error: {out / jsonl.NAME} was removed during the run; measure again, and keep the folder\n"
    )


def test_a_result_that_cannot_be_written_leaves_the_record(tmp_path):
    (tmp_path / "speed.csv").mkdir()
    code, said = ended_here([*SCRIPTED, "--T", "2", "--out", str(tmp_path)])
    assert code == 2
    assert said == [
        f"error: cannot write {tmp_path / 'speed.csv'}: Is a directory; give another place with --out"
    ]
    assert jsonl.read(tmp_path / jsonl.NAME)[-1] == End(status="complete")


def test_a_block_in_which_every_case_failed_can_be_read(tmp_path):
    command = [*RUN, "--device", "scripted", "--T", "2", "--out", str(tmp_path)]
    plugin = ["--neurons", "os:getcwd", "--reference", "os:getcwd"]
    code, said = ended_here([*command, *plugin])
    assert code == 4
    assert len(said) == 1
    assert "getcwd gives a str" in said[0]
    assert [one.cases[0].status for one in jsonl.read(tmp_path / jsonl.NAME)[1:-1]] == ["failed"]


def test_a_folder_whose_name_is_no_text_holds_a_run(tmp_path):
    out = os.fsencode(tmp_path) + b"/\xff"
    code, said = ended([*(os.fsencode(word) for word in [*SCRIPTED, "--T", "2"]), b"--out", out])
    assert (code, said) == (0, [])
    assert os.path.exists(out + b"/speed.csv")


def test_a_terminal_without_letters_gets_escapes(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [*PROGRAM, "list", "neurons"]
    done = subprocess.run(command, check=True, capture_output=True, env=environment)
    assert done.stderr == b""
    assert rb"\u03b2 v[t-1]" in done.stdout


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    environment = {**os.environ, "PSUBENCH_DATA": str(tmp_path / "file" / "cache")}
    command = [*PROGRAM, "data", "get", "shd", "--mirror", "http://127.0.0.1:9"]
    code, said = ended(command, env=environment)
    assert (code, len(said)) == (2, 1)
    assert str(tmp_path / "file") in said[0]


def test_the_second_run_on_a_device_waits_and_says_so(tmp_path, running):
    """Ctrl-C ends the wait; when the first is killed, the next gets the device."""
    environment = {**os.environ, "PSUBENCH_LOCKS": str(tmp_path)}
    first = running([*ENDLESS, "cpu", "--out", str(tmp_path / "first")], env=environment)
    until((tmp_path / "first" / jsonl.NAME).exists, first)
    second = running([*RUN, "--T", "2", "--out", str(tmp_path / "second")], env=environment)
    told = f"cpu is in use by process {first.pid}; waiting until it has finished\n"
    assert second.stderr.readline() == told
    second.send_signal(signal.SIGINT)
    assert second.communicate(timeout=LONGEST_SECONDS)[1] == ""
    assert second.returncode == 130
    assert not (tmp_path / "second").exists()
    third = running([*RUN, "--T", "2", "--out", str(tmp_path / "third")], env=environment)
    assert third.stderr.readline() == told
    first.kill()
    assert third.communicate(timeout=LONGEST_SECONDS)[1] == ""
    assert third.returncode == 0
    assert jsonl.read(tmp_path / "third" / jsonl.NAME)[-1] == End(status="complete")
