"""Trainings through the command line: one that is killed is resumed, one that dies is a row."""

import json
import os
import signal
import subprocess

import pytest
from support.command_line import PROGRAM, here, until
from support.places import TINY

from psubench.experiments.accuracy.rows import summary, trainings
from psubench.records import jsonl
from psubench.records.trained import Epoch, Trained

pytestmark = pytest.mark.slow

TABLE = "version = 1\n[[train]]\n"


@pytest.fixture(autouse=True)
def own_locks(tmp_path, monkeypatch):
    """Nobody else's measurement is waited for."""
    (tmp_path.parent / "locks").mkdir(exist_ok=True)
    monkeypatch.setenv("TMPDIR", str(tmp_path.parent / "locks"))


def table(folder):
    """Everything of the table that does not depend on the clock or the allocator."""
    rows = summary(trainings(jsonl.read(folder / jsonl.NAME)))
    names = (
        "neuron",
        "status",
        "accuracy",
        "accuracy_sd",
        "n",
        "train_accuracy",
        "firing_rate",
        "parameters",
    )
    return [[getattr(row, name) for name in names] for row in rows]


def test_killed_in_the_middle_and_resumed_gives_the_same_table(tmp_path):
    recipe = tmp_path / "slow.toml"
    recipe.write_text(
        f'{TABLE}model = "mlp(width=0.1)"\ndata = "{TINY}:slow_digits"\nT = 4\nbatch = 30\nepochs = 2\n'
    )
    asked = [
        "accuracy",
        "--recipe",
        str(recipe),
        "--neurons",
        "psu,lif",
        "--seeds",
        "0",
        "--jobs",
        "2",
        "-q",
    ]
    here(*asked, "--out", str(tmp_path / "whole"), check=0)
    killed = subprocess.Popen(
        [*PROGRAM, *asked, "--out", str(tmp_path / "parts")],
        stdout=subprocess.DEVNULL,
    )
    path = tmp_path / "parts" / jsonl.NAME
    until(lambda: path.is_file() and b'"type":"training"' in path.read_bytes(), killed)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    done_before = [r for r in jsonl.read(path) if isinstance(r, Trained)]
    assert done_before == []
    again = here(*asked, "--out", str(tmp_path / "parts"), check=2)
    assert "holds a run already" in again.stderr
    here(*asked, "--out", str(tmp_path / "parts"), "--resume", check=0)
    assert table(tmp_path / "whole") == table(tmp_path / "parts")
    epochs = [r for r in jsonl.read(path) if isinstance(r, Epoch)]
    keys = [(r.key, r.epoch) for r in epochs]
    assert sorted(set(keys)) == sorted(keys)
    assert len(keys) == 4


def test_a_training_that_dies_is_a_row_and_the_others_go_on(tmp_path):
    recipe = tmp_path / "fatal.toml"
    recipe.write_text(f'{TABLE}model = "{TINY}:Fatal"\ndata = "{TINY}:digits"\nT = 4\nepochs = 1\n')
    good = tmp_path / "good.toml"
    good.write_text(f'{TABLE}model = "{TINY}:Plain"\ndata = "{TINY}:digits"\nT = 4\nepochs = 1\n')
    both = ["--recipe", str(recipe), "--recipe", str(good), "--neurons", "psu", "--seeds", "0"]
    done = here("accuracy", *both, "--out", str(tmp_path / "run"), "--json", check=4)
    rows = json.loads(done.stdout)
    assert [row["status"] for row in rows] == ["failed", "ok"]
    assert rows[0]["accuracy"] is None
    assert "the process died of SIGSEGV" in rows[0]["message"]
