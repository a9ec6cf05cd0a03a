"""Whole runs with real worker processes: failures contained, kills survived, times true."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from support.command_line import LONGEST_SECONDS, PROGRAM, here, until

from psubench.experiments.speed import rows as speed_rows
from psubench.records import jsonl
from psubench.records.jsonl import line_of
from psubench.records.measured import AGAIN, Block
from psubench.records.run import End

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parent
WRONG = f"{TESTS / 'wrong_neurons.py'}"
SPEED = ["speed", "--T", "4", "--batch", "2", "--size", "8", "--data", "normal", "--phase", "infer",
    "--processes", "1", "--max-seconds", "0.1", "--no-memory", "--quiet",
]  # fmt: skip
BASE = [*PROGRAM, *SPEED]


def speed(out, *options, check=None):
    done = here(*SPEED, "--out", str(out), *options, check=check)
    assert "Traceback" not in done.stderr
    return done


def rows(out):
    return {row.label: row for row in speed_rows.rows(jsonl.read(out / jsonl.NAME))}


def blocks(out):
    return [one for one in jsonl.read(out / jsonl.NAME) if isinstance(one, Block)]


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    """A run on the fake clock."""
    out = tmp_path_factory.mktemp("scripted")
    speed(out, "--device", "scripted", "--neurons", "psu,psn", check=0)
    return out


def test_who_raises_hangs_crashes_or_eats_the_memory_costs_only_itself(tmp_path):
    bad = {"Raises": "failed", "Hangs": "timeout", "Allocates": "oom", "Crashes": "failed"}
    neurons = ",".join(["lif", *(f"{WRONG}:{name}" for name in bad), "psu"])
    done = speed(tmp_path, "--neurons", neurons, "--timeout", "6", "--max-memory", "1500MiB", check=4)
    got = rows(tmp_path)
    assert {name: got[name].status for name in bad} == bad
    for name in bad:
        assert got[name].median_s is None
        assert got[name].message in done.stderr
    assert "SIGABRT" in got["Crashes"].message
    assert "6 s" in got["Hangs"].message
    for name in ("lif", "psu"):
        assert (got[name].status, got[name].verified) == ("ok", True)
        assert got[name].median_s > 0
    assert got["psu"].ratio_low < got["psu"].ratio < got["psu"].ratio_high


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """A run of neurons that the gate refuses, and of two that it lets through in inference."""
    out = tmp_path_factory.mktemp("wrong")
    neurons = ",".join(f"{WRONG}:{name}" for name in (*REFUSED, "NoReference", "WrongGradient"))
    speed(out, "--neurons", neurons, "--phase", "infer,train", check=4)
    return out


REFUSED = ["WrongSpikes", "FutureSpikes", "HalfPrecision"]


def test_wrong_neurons_get_no_time_and_an_unverified_one_says_so(wrong):
    got = {r.label: r for r in speed_rows.rows(jsonl.read(wrong / jsonl.NAME)) if r.phase == "infer"}
    for name in REFUSED:
        assert (got[name].status, got[name].verified, got[name].median_s) == ("wrong", False, None)
    assert (got["NoReference"].status, got["NoReference"].verified) == ("ok", False)
    (block,) = [one for one in blocks(wrong) if one.case.phase == "infer"]
    timed = {f"{WRONG}:{name}" for name in ("NoReference", "WrongGradient")}
    assert set(block.wall_ns) == {"lif", AGAIN, *timed}


def test_wrong_gradients_are_wrong_in_training_only(wrong):
    got = speed_rows.rows(jsonl.read(wrong / jsonl.NAME))
    assert {row.phase: row.status for row in got if row.label == "WrongGradient"} == {
        "infer": "ok", "train": "wrong",
    }  # fmt: skip


def test_a_failed_reference_leaves_times_without_ratios(tmp_path):
    reference = f"{WRONG}:Raises"
    speed(tmp_path, "--neurons", "lif", "--reference", reference, check=4)
    got = rows(tmp_path)
    assert (got["lif"].status, got["lif"].ratio, got["lif"].noise_floor) == ("ok", None, None)
    assert got["lif"].median_s > 0


def test_the_scripted_device_gives_the_same_run_every_time(tmp_path, scripted):
    speed(tmp_path, "--device", "scripted", "--neurons", "psu,psn", check=0)
    a, b = (replace(blocks(out)[0], elapsed_s=None) for out in (scripted, tmp_path))
    assert a == b
    assert a.wall_ns["psu"][0] > 0


def test_data_that_cannot_be_made_fails_its_cases_in_one_line(tmp_path):
    plugin = tmp_path / "broken.py"
    plugin.write_text("def data(T, batch, seed, split):\n    raise OSError('no disk')\n")
    done = speed(tmp_path / "run", "--data", f"{plugin}:data", "--neurons", "psu", check=4)
    assert {row.status for row in rows(tmp_path / "run").values()} == {"failed"}
    assert "no disk" in done.stderr


def block_lines(path):
    """The lines of blocks that were written to their end."""
    text = path.read_bytes() if path.exists() else b""
    return [
        line for line in text.splitlines(keepends=True) if b'"type":"block"' in line and line.endswith(b"\n")
    ]


def test_killed_and_resumed_nothing_is_lost_or_measured_twice(tmp_path):
    options = ["--T", "4..16", "--neurons", "psu", "--processes", "2", "--device", "scripted"]
    path, done_before = tmp_path / jsonl.NAME, []
    for _ in range(2):
        run = subprocess.Popen(
            [*BASE, "--out", str(tmp_path), *options, "--resume"], stderr=subprocess.DEVNULL
        )
        until(lambda: len(block_lines(path)) > len(done_before), run)  # noqa: B023
        run.kill()
        run.wait()
        done_before = block_lines(path)
        with path.open("ab") as file:
            file.write(b'{"type":"block","torn')
    speed(tmp_path, *options, "--resume", check=0)
    found = blocks(tmp_path)
    assert len(found) == 6
    assert len({(block.case.T, block.process) for block in found}) == 6
    assert [line_of(block) for block in found][: len(done_before)] == done_before
    speed(tmp_path, *options, "--resume", check=0)
    assert len(blocks(tmp_path)) == 6
    assert all(row.processes == 2 for row in rows(tmp_path).values())


def test_ctrl_c_ends_cleanly_and_says_how_to_continue(tmp_path):
    out = tmp_path / "my run"
    options = ["--T", "4..64", "--neurons", "psu", "--device", "scripted", "--processes", "3"]
    run = subprocess.Popen([*BASE, "--out", str(out), *options], stderr=subprocess.PIPE, text=True)
    until(lambda: (out / jsonl.NAME).exists() and '"block"' in (out / jsonl.NAME).read_text(), run)
    run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=LONGEST_SECONDS)
    assert run.returncode == 130
    assert f"--out '{out}'" in stderr
    assert "--resume" in stderr
    assert jsonl.read(out / jsonl.NAME)[-1] == End(status="interrupted")
    left = [row for row in speed_rows.rows(jsonl.read(out / jsonl.NAME)) if row.status == "interrupted"]
    assert left
    assert all(row.median_s is None for row in left)
    assert (out / "speed.csv").exists()


def test_a_killed_parent_takes_its_worker_along(tmp_path):
    run = subprocess.Popen([*BASE, "--out", str(tmp_path), "--neurons", f"{WRONG}:Hangs", "--timeout", "100"])
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    if not children.exists():
        run.kill()
        pytest.skip("this kernel does not list children")
    until(lambda: children.read_text().split(), run)
    pids = children.read_text().split()
    run.kill()
    run.wait()
    began = time.monotonic()
    while any(_alive(int(pid)) for pid in pids):
        assert time.monotonic() - began < LONGEST_SECONDS, "the worker lives on"
        time.sleep(0.02)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("changed", [["--seed", "1", "--resume"], []])
def test_a_run_is_not_mixed_with_another(scripted, changed):
    before = (scripted / jsonl.NAME).read_bytes()
    done = speed(scripted, "--device", "scripted", "--neurons", "psu,psn", *changed, check=2)
    assert len(done.stderr.strip().splitlines()) == 1
    assert (scripted / jsonl.NAME).read_bytes() == before
