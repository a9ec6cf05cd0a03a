"""`compare --git --dry-run`: what would be compared, how long it may take, and no measurement."""

import pytest
from scratch_repository import FAST, empty, write
from support.command_line import here
from support.compare_records import run
from support.records_of import text_of, whole
from test_worktrees import commit, git, untouched

from psubench.compare.git import planned
from psubench.devices import machine
from psubench.experiments import suite_file
from psubench.records import jsonl

__all__ = ["empty"]

SUITE = """version = 1
[settings]
max_seconds = 0.5
[[speed]]
neurons = "mine.py:Fast"
T = "4,8"
batch = 2
size = 64
phase = "infer"
data = "normal"
"""


@pytest.fixture
def repository(empty):
    """Two commits that differ in a neuron of the user's own."""
    write(empty, {"mine.py": FAST, "suites/ci.toml": SUITE})
    commit(empty, "base")
    write(empty, {"mine.py": FAST.replace(">= 1", ">= 0.5")})
    commit(empty, "new")
    return empty


def dry(repository, *words):
    return here("compare", "--git", *words, "--dry-run", "--device", "cpu", cwd=repository)


def test_a_fake_clock_counts_the_work_first_too(repository):
    done = here("compare", "--git", "base", "--dry-run", "--device", "scripted", cwd=repository)
    assert "identical work are not timed" in done.stdout


def test_it_says_what_would_be_compared_and_measures_nothing(repository):
    done = dry(repository, "base", "--budget", "90")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:5] == [
        f"base: base, {git(repository, 'rev-parse', 'base')[:12]}",
        f"new: HEAD, {git(repository, 'rev-parse', 'HEAD')[:12]}",
        "infer T=4 batch=2 size=64 float32: Fast",
        "infer T=8 batch=2 size=64 float32: Fast",
        "2 cases in 2 blocks",
    ]
    assert "identical work are not timed" in lines[5]
    assert "6 to 24 processes per side" in lines[6]
    assert "never measured here" in lines[6]
    assert "90 s" in lines[7]
    assert untouched(repository)
    assert not (repository / "reports").exists()


def test_packages_that_differ_are_said_and_not_installed(repository, monkeypatch):
    monkeypatch.setattr("psubench.compare.git.worktrees.install", lambda *_, **__: pytest.fail("installed"))
    write(repository, {"requirements.txt": "nothing-of-this-name\n"})
    commit(repository, "packages")
    done = dry(repository, "base")
    assert (done.returncode, "time alone" in done.stdout) == (0, True), done.stderr
    assert "an environment is installed for each" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-branch"], "does not name a commit"),
        (["base", "HEAD", "new"], "3 revisions"),
        (["base", "--gate", "psu"], "matches no case"),
        (["base", "--gate", "lif"], "matches no case"),  # a reference that no table names
        (["base", "--suite", "none.toml"], "none.toml"),
    ],
)
def test_mistakes_are_those_of_the_comparison(repository, words, said):
    done = dry(repository, *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert said in done.stderr


def test_two_records_have_no_plan():
    done = here("compare", "a", "b", "--dry-run")
    assert (done.returncode, "--git" in done.stderr) == (2, True)


def test_the_time_is_that_of_earlier_runs_here(tmp_path):
    """A process has taken 10 s for two cases of a block, so 5 s for each; of the other nothing is known."""
    folder, lif = tmp_path / "reports", SUITE.replace("mine.py:Fast", "lif")
    write(tmp_path, {"suite.toml": lif})
    asked = suite_file.read(tmp_path / "suite.toml")
    blocks = asked.blocks("cpu")
    before = planned.lines(blocks, asked.how(), folder, counts=True)
    header, block = run({("lif", 8, "infer"): [0.0], ("psu", 8, "infer"): [0.0]}, 1, **machine())
    block |= {"case": blocks[0].case.canonical(), "elapsed_s": 10.0}
    (folder / "one").mkdir(parents=True)
    (folder / "one" / jsonl.NAME).write_bytes(text_of(map(whole, [header, block])))
    after = planned.lines(blocks, asked.how(), folder, counts=True)
    assert "never measured here" in before[-1]
    assert "1 of 2 blocks by earlier runs here" in after[-1]
    each = 5 + (0.5 + planned.CHECK_SECONDS) + planned.START_SECONDS
    assert f"about {each:.0f} s each" in after[-1]
