"""A side that hangs, one that runs out of time, and what a side need not do twice."""

import json
import random
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from scratch_repository import table
from support.compare_records import run
from support.records_of import typed

from psubench.compare.git import side
from psubench.compare.git.ab_run import AbRun
from psubench.errors import PsubenchError
from psubench.experiments import suite_file
from psubench.records.jsonl import WORK
from psubench.runs.blocks import Blocks
from psubench.runs.measuring_code import digest
from psubench.runs.preflight import CHECKED, Need, check


def test_a_side_that_hangs_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    """It ignores being asked to end, and has started a process in a session of its own, as workers have."""
    monkeypatch.setattr(side, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(side, "END_SECONDS", 0.2)
    python = tmp_path / "python"
    code = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "p = subprocess.Popen(['sleep', '1000'], start_new_session=True); "
        "print('cpu is in use by process 7', file=sys.stderr, flush=True); "
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid)); time.sleep(1000)"
    )
    python.write_text(f"#!/bin/sh\nexec {sys.executable} -c {json.dumps(code)}\n")
    python.chmod(0o755)
    with pytest.raises(PsubenchError, match=r"base hangs: .* said cpu is in use by process 7;") as caught:
        side.Side("base", python, tmp_path).measure(table("lif"), {}, "cpu", time.monotonic() + 5)
    assert caught.value.exit_code == 124
    pid = int((tmp_path / "pid").read_text())
    began = time.monotonic()
    while _lives(pid):  # it was killed; when it is gone, the kernel decides
        assert time.monotonic() - began < 60
        time.sleep(0.05)


def test_a_side_that_is_at_work_at_its_deadline_is_ended_then(tmp_path, monkeypatch):
    monkeypatch.setattr(side, "END_SECONDS", 0.2)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'pid'}\nexec sleep 1000\n")
    python.chmod(0o755)
    with pytest.raises(side.OutOfTimeError):
        side.Side("base", python, tmp_path).measure(table("lif"), {}, "cpu", time.monotonic() + 1)
    assert not _lives(int((tmp_path / "pid").read_text()))


def test_a_side_imports_its_plug_ins_for_their_check_only_once(tmp_path):
    """Each process of a side would import torch once more for that."""
    asked = []

    @dataclass(frozen=True)
    class Asked(side.Side):
        def measure(self, *_):
            asked.append((self.name, CHECKED in self.variables))
            return typed(run({("lif", 8, "infer"): [0.0]}, 1))

    sides = [Asked(name, Path(sys.executable), tmp_path / name) for name in ("base", "new")]
    made = AbRun(*sides, [], {}, "cpu", tmp_path, 60, None, ["*"], 0, print)
    assert made._measure([], range(2), random.Random(0), 1e9) == range(2)
    assert sorted(asked[:2]) == [("base", False), ("new", False)]
    assert sorted(asked[2:]) == [("base", True), ("new", True)]


def test_a_plug_in_that_was_checked_is_not_imported_again(monkeypatch):
    need = Need(neuron="no_such_module:Neuron", model="neuron", data="normal", T=4, batch=1, size=8)
    monkeypatch.setenv(CHECKED, "1")
    check([need], "cpu")
    monkeypatch.delenv(CHECKED)
    with pytest.raises(PsubenchError, match="no_such_module"):
        check([need], "cpu")


def test_the_code_that_measures_is_hashed_where_work_is_counted(tmp_path):
    (tmp_path / "some.toml").write_text('version = 1\n[[speed]]\nneurons = "lif"\nT = "4"\ndata = "normal"\n')
    asked = suite_file.read(tmp_path / "some.toml")
    found = [
        Blocks(asked.blocks("cpu"), replace(asked.how(), passes=passes)).header().measured_by
        for passes in ((), (WORK,))
    ]
    assert found == [None, digest()]


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
