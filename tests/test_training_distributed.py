"""Two processes that train together, by torchrun over gloo, give what one gives."""

import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from support.command_line import LONGEST_SECONDS, here
from support.places import TINY

from psubench.records import jsonl
from psubench.records.run import End, Run
from psubench.records.trained import Epoch, Trained
from psubench.training.distributed import Group

pytestmark = pytest.mark.slow

RECIPE = f"""
version = 1
[[train]]
model = "{TINY}:Plain"
data = "{TINY}:digits"
T = 4
[train.recipe]
epochs = 5
batch = 15
lr = 0.02
"""
"""60 samples, so 20 steps; 15 do not divide by 2, so that the processes' shares differ."""


def train(tmp_path, *launcher):
    recipe, out = tmp_path / "recipe.toml", tmp_path / f"of{len(launcher)}"
    recipe.write_text(RECIPE)
    words = ["train", "--recipe", str(recipe), "--out", str(out), "--quiet"]
    if launcher:
        done = subprocess.run(
            [sys.executable, "-m", *launcher, "psubench", *words],
            check=False, capture_output=True, text=True, timeout=LONGEST_SECONDS,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    else:
        done = here(*words)
    assert done.returncode == 0, done.stderr
    records = jsonl.read(out / jsonl.NAME)
    (weights,) = out.rglob("weights.safetensors")
    return load_file(weights), records, done


def test_two_processes_give_what_one_gives(tmp_path):
    two = ("torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m")
    alone, records_of_one, _ = train(tmp_path)
    together, records_of_two, done = train(tmp_path, *two)
    assert alone.keys() == together.keys()
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, rtol=1e-4, atol=1e-5)
    for kind, count in ((Run, 1), (Epoch, 5), (Trained, 1), (End, 1)):  # one writer
        assert len([r for r in records_of_two if isinstance(r, kind)]) == count
    for one, other in zip(records_of_one, records_of_two, strict=True):
        if isinstance(one, Epoch):
            assert other.loss == pytest.approx(one.loss, rel=1e-5)
            assert (other.samples, other.test.samples) == (60, 30)
    assert done.stdout.count("accuracy %") == 1


def test_the_shares_of_a_batch_are_the_batch():
    x, labels = torch.arange(14.0).view(2, 7), torch.arange(7)
    shares = [Group(rank, 3).share(x, labels) for rank in range(3)]
    assert sorted(torch.cat([label for _, label in shares]).tolist()) == list(range(7))
    for part, label in shares:
        assert torch.equal(part, x[:, label])
    assert len(Group(2, 3).share(x[:, :1], labels[:1])[1]) == 0
