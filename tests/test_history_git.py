"""`psubench history RANGE` in a repository of a user's own: real commits, real checkouts."""

import contextlib
import os
import signal
import subprocess

import pytest
from msgspec.structs import replace as with_fields
from scratch_repository import FAST, SETTINGS, TABLE, write
from support.command_line import PROGRAM, here, until
from support.places import ROOT
from test_worktrees import commit, git, untouched

from psubench.cli.history_git import _answer, _none, _places, _steps
from psubench.compare import history
from psubench.compare.git.commits import Counter, commits_of
from psubench.compare.git.side import suite_text
from psubench.compare.git.worktrees import repository_of
from psubench.render.history import lines

pytestmark = pytest.mark.slow
DOCUMENTED = FAST.replace("    causal", '    """Spikes."""\n    causal')
ITEM = DOCUMENTED.replace(
    "        return (x", "        for now in x:\n            now.sum().item()\n        return (x"
)
COMMITS = {"base": FAST, "docs": DOCUMENTED, "item": ITEM, "broken": "import nothing\n", "back": DOCUMENTED}


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A repository with a neuron of a user's, and the work of all of its commits."""
    folder = tmp_path_factory.mktemp("chain")
    git(folder, "init", "--quiet", "--initial-branch=main")
    tables = [{**TABLE, "neurons": "mine.py:Fast"}]
    write(folder, {"suites/ci.toml": suite_text(tables, SETTINGS)})
    for tag, text in COMMITS.items():
        write(folder, {"mine.py": text})
        commit(folder, tag)
    said = []
    counter = Counter(repository_of(folder), tables, SETTINGS, "scripted", said.append)
    commits = commits_of(folder, "base..back")
    with contextlib.chdir(folder):
        counter.count(commits)
    assert untouched(folder)
    assert said[-1] == "5 commits counted"
    return folder, counter, commits


def rows_of(chain, first, last):
    """Counts nothing: the commits of a part of the chain have been counted."""
    _, counter, commits = chain
    part = commits[[*COMMITS].index(first) : [*COMMITS].index(last) + 1]
    steps = _steps(counter, part)
    assert len(counter.found) == len(commits)
    return part, steps, history.rows(_places(counter, part))


def test_every_commit_is_compared_by_its_work_with_the_last_that_could_be_counted(chain):
    _, _, rows = rows_of(chain, "base", "back")
    found = lines(rows)
    assert [line.title for line in found] == [*COMMITS]
    assert [line.verdict for line in found] == [
        "first",
        "identical",
        "other work",
        "not counted",
        "other work",
    ]
    assert found[2].told.startswith("Fast: +4 _local_scalar_dense, +4 sum")
    assert "No module named 'nothing'" in found[3].told
    assert found[4].told.startswith("Fast: -4 _local_scalar_dense, -4 sum")
    assert [line.stretch for line in found] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("first", "last", "steps", "told"),
    [
        ("base", "item", [(1, 2)], 'other work since {2} "item": Fast: +4 _local_scalar_dense'),
        ("docs", "broken", [(0, 1)], 'other work since {1} "item": '),
        (
            "item",
            "back",
            [(0, 2)],
            '{2} "back" (or one of the 1 before it, which cannot be counted): Fast: -4',
        ),
        ("base", "back", [], "none found: Fast does the same work in {0} and in {4}"),
    ],
)
def test_the_commit_that_changed_the_work_is_named(chain, first, last, steps, told):
    part, found, rows = rows_of(chain, first, last)
    answer = _answer(rows, found, part, "Fast", timed=False) if found else _none(rows, "Fast")
    assert found == steps
    assert told.format(*(one.short for one in part)) in answer.told
    assert answer.exit_code == 0


def test_a_commit_that_made_a_neuron_slower_is_named_and_one_that_may_have_is_unclear(chain):
    part, steps, rows = rows_of(chain, "base", "item")

    def answer(**timed):
        told = [with_fields(row, **timed) if row.at == part[2].hash else row for row in rows]
        return _answer(told, steps, part, "Fast", timed=True)

    slower = answer(verdict="slower", change=0.3, low=0.2, high=0.4)
    assert slower.told.startswith(f'slower since {part[2].short} "item": Fast: slower +30.0 % [+20.0, +40.0]')
    assert slower.exit_code == 1
    unclear = answer(verdict="unclear", change=0.1, low=-0.2, high=0.4)
    assert "unclear: whether Fast is slower" in unclear.told
    assert unclear.exit_code == 3
    assert answer().exit_code == 3
    same = answer(verdict="same", change=0.0, low=-0.01, high=0.01)
    assert same.told.endswith("none found that made Fast slower")
    assert same.exit_code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["base..item", "--bisect", "Slow"],
            '--bisect: "Slow" is not a neuron of suites/ci.toml; known: mine.py:Fast',
        ),
        (["item..base"], "the range item..base is empty"),
        (["base..base"], "the range base..base is empty"),
        (["base..nowhere"], '"nowhere" does not name a commit'),
        (["base...item"], "is not a range of commits"),
        (["base..item", "--suite", "other.toml"], "no commit of"),
        (["base..item", "--suite", "missing.toml"], "missing.toml"),
    ],
)
def test_what_cannot_be_counted_is_refused_before_anything_is(chain, words, told):
    folder, counter, _ = chain
    other = suite_text([{**counter.tables[0], "neurons": "later.py:Fast"}], SETTINGS)
    write(folder, {"other.toml": other, "later.py": FAST})  # not committed
    done = here("history", *words, cwd=folder)
    for name in ("other.toml", "later.py"):
        (folder / name).unlink()
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert told in done.stderr


def test_what_ends_it_leaves_no_worktree(chain, tmp_path):
    folder = chain[0]
    going = subprocess.Popen(
        [*PROGRAM, "history", "base..back", "--device", "scripted"],
        cwd=folder, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    until(lambda: len(git(folder, "worktree", "list").splitlines()) > 2, going)
    going.send_signal(signal.SIGINT)
    assert "Traceback" not in going.communicate(timeout=60)[1]
    assert going.returncode == 130
    assert untouched(folder)
    assert not list(tmp_path.glob("psubench-compare-*"))
