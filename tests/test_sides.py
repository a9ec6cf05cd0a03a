"""A side that hangs, and one that runs out of time."""

import json
import sys
import time
from pathlib import Path

import pytest
from scratch_repository import table

from psubench.compare.git import side
from psubench.errors import PsubenchError


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


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
