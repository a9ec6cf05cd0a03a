"""`psubench init ci` in a repository of a user's own, and a comparison there as GitHub checks it out."""

import pytest
from scratch_repository import FAST, empty, table, write
from support.command_line import here
from test_docs_commands import lay_out
from test_worktrees import ROOT, commit, git

from psubench.cli.compare_git import suite_for
from psubench.cli.init import WORKFLOW, _action
from psubench.compare.git.worktrees import revisions

__all__ = ["empty"]
pytestmark = pytest.mark.slow
SLOPE = """import torch
class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return (x >= 0).to(x.dtype)
    @staticmethod
    def backward(ctx, gradient):
        return gradient
"""
PARTS = """import torch
from .slope import Step
class Given(torch.nn.Module):
    "One step, whose potential comes and goes; with all steps at once it would take them for samples."
    def forward(self, x, v=None):
        v = x / 2 if v is None else v + (x - v) / 2
        spikes = Step.apply(v - 1)
        return spikes, v - spikes
class Lif(torch.nn.Module):
    def forward(self, x):
        v, spikes = torch.zeros_like(x[0]), []
        for now in x:
            v = v + (now - v) / 2
            spikes.append((v >= 1).to(x.dtype))
            v = v - spikes[-1]
        return torch.stack(spikes)
class Sized(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
class Doubled(torch.nn.Module):
    def forward(self, x):
        return 2 * x
class OwnError(ValueError):
    pass
"""


def test_neurons_are_found_by_calling_them_and_nothing_is_overwritten(empty):
    lay_out("README.md", empty)
    write(empty, {"src/mypkg/__init__.py": "", "src/mypkg/slope.py": SLOPE, "src/mypkg/parts.py": PARTS})
    write(
        empty, {"fast.py": FAST, "tests/fast.py": FAST, "broken.py": "def (", "requirements.txt": "torch\n"}
    )
    commit(empty, "base")
    done = here("init", "ci", cwd=empty / "src")
    assert done.returncode == 0, done.stderr
    found = ["fast.py:Fast", "mine.py:Node@step", "mypkg.parts:Given@step", "mypkg.parts:Lif"]
    assert done.stdout.splitlines()[0] == f"suites/ci.toml: {', '.join(found)}"
    said = done.stderr.splitlines()
    assert said[0].startswith('left out: broken.py: "broken.py" is not valid Python')
    assert said[1].startswith("left out: mypkg.parts:Sized: Sized cannot be called: TypeError: missing a req")
    assert said[2] == "left out: mypkg.parts:Doubled: its outputs are analog, not spikes"
    untrained = ["fast.py:Fast", "mine.py:Node@step", "mypkg.parts:Lif"]
    assert [line.split(": ")[:2] for line in said[3:6]] == [["without training", one] for one in untrained]
    assert len(said) == 6 + _action().startswith("OWNER")
    blocks = suite_for(None, "cpu")[0].blocks("cpu")
    cases = {(e.ref.text, e.case.phase) for block in blocks for e in block.entries if e.ref.is_plugin}
    assert cases == {*((name, "infer") for name in found), ("mypkg.parts:Given@step", "train")}
    workflow = (empty / WORKFLOW).read_text()
    install = 'install: "--requirement requirements.txt"'
    assert f"uses: {_action()}\n        with:\n          {install}\n          base: " in workflow
    again = here("init", "ci", cwd=empty)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "suites/ci.toml exists; nothing was written" in again.stderr
    (empty / "suites/ci.toml").unlink()
    assert here("init", "ci", cwd=empty).returncode == 2
    assert not (empty / "suites/ci.toml").exists()


def test_a_repository_without_a_neuron_is_one_line(empty):
    write(empty, {"mine.py": "class Plain:\n    pass\n"})
    commit(empty, "base")
    done = here("init", "ci", cwd=empty)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "0 classes could be torch modules" in done.stderr
    assert not (empty / ".github").exists()


def test_the_first_line_that_the_page_shows_is_that_of_the_neuron_of_the_readme():
    assert "$ psubench init ci\nsuites/ci.toml: mine.py:Node@step\n" in (ROOT / "docs/ci.md").read_text()


def test_a_detached_checkout_without_local_branches_is_compared_with_that_of_its_remote(empty, tmp_path):
    """As actions/checkout leaves it: HEAD is a commit, and main is known as origin/main alone."""
    write(empty, {"mine.py": FAST})
    commit(empty, "base")
    git(empty, "switch", "--quiet", "--create", "change")
    write(empty, {"mine.py": FAST.replace(">= 1", ">= 0.5")})
    commit(empty, "new")
    checkout = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", "--no-checkout", str(empty), str(checkout))
    git(checkout, "checkout", "--quiet", "--detach", "origin/change")
    git(checkout, "branch", "--quiet", "-D", "change")
    assert git(checkout, "branch", "--list", "main") == ""
    with revisions(checkout, "origin/main", "HEAD", table("mine.py:Fast"), print) as (base, new):
        read = [(side.folder / "mine.py").read_text() for side in (base, new)]
    assert [text.count(">= 0.5") for text in read] == [0, 1]
