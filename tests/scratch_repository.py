"""A repository of a user's own, with a neuron of theirs, for what `compare --git` does with it."""

import pytest
from test_worktrees import git

from psubench.compare.git.worktrees import revisions
from psubench.errors import PsubenchError

FAST = """import torch
class Fast(torch.nn.Module):
    causal = True
    def __init__(self, T):
        super().__init__()
    def forward(self, x):
        return (x >= 1).to(x.dtype)
"""
TABLE = {"T": "4", "batch": "2", "size": "64", "phase": "infer", "data": "normal"}
SETTINGS = {"max_seconds": 0.05}


def table(neurons):
    return [{**TABLE, "neurons": neurons}]


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A repository without a commit; the current folder."""
    folder = tmp_path / "r"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(folder))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def refused(folder, neurons, names=("base", "HEAD")):
    with pytest.raises(PsubenchError) as caught, revisions(folder, *names, table(neurons), print):
        pass
    return str(caught.value), caught.value.exit_code
