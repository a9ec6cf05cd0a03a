"""Git beside a comparison: the caller's environment, first reasons, other names, submodules, leftovers."""

import fcntl
import subprocess
import sys

import pytest
from scratch_repository import FAST, empty, refused, table, write
from test_worktrees import AUTHOR, commit, git, untouched

from psubench.compare.git.git_command import first_reason, own_environment
from psubench.compare.git.worktrees import revisions

__all__ = ["empty"]


def test_nothing_of_a_hook_s_environment_reaches_git(empty, tmp_path, monkeypatch):
    """Git calls a hook with GIT_INDEX_FILE: a worktree that is added with it empties the user's index."""
    write(empty, {"mine.py": FAST})
    commit(empty, "base")
    write(empty, {"mine.py": FAST + "\n", "z.txt": "z"})
    git(empty, "add", "--all")
    before = git(empty, "status", "--porcelain"), (empty / ".git/index").read_bytes()
    monkeypatch.setenv("GIT_INDEX_FILE", str(empty / ".git/index"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "not a number")
    assert not any(name.startswith("GIT_") for name in own_environment())
    with revisions(empty, "base", "HEAD", table("mine.py:Fast"), print) as (base, _):
        assert (base.folder / "mine.py").read_text() == FAST
    for name in ("GIT_INDEX_FILE", "GIT_DIR", "GIT_WORK_TREE", "GIT_CONFIG_COUNT"):
        monkeypatch.delenv(name)
    assert (git(empty, "status", "--porcelain"), (empty / ".git/index").read_bytes()) == before


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("fatal: bad\nTo add an exception:\n\n\tgit config\n", "fatal: bad"),
        ("Preparing\nerror: external filter failed\nfatal: a.bin: smudge filter lfs failed\n",
         "fatal: a.bin: smudge filter lfs failed"),
        ("note\nerror: one\nerror: two\n", "error: one"), ("first\nlast\n", "last"), ("", None),
    ],
)  # fmt: skip
def test_the_first_reason_is_told(said, reason):
    assert first_reason(said) == reason


def test_a_missing_filter_is_told_with_advice_that_fits(empty):
    write(empty, {"mine.py": FAST})
    commit(empty, "base")
    write(empty, {".gitattributes": "*.bin filter=lfs\n", "a.bin": "x"})
    commit(empty, "filtered")
    for name, value in (("smudge", "no-such-git-lfs %f"), ("required", "true")):
        git(empty, "config", f"filter.lfs.{name}", value)
    said, code = refused(empty, "mine.py:Fast")
    assert ("fatal: a.bin: smudge filter lfs failed; install git-lfs" in said, code) == (True, 2)
    assert len(git(empty, "worktree", "list").splitlines()) == 1


def test_a_branch_that_only_the_remote_has_is_suggested(empty, tmp_path):
    write(empty, {"mine.py": FAST})
    commit(empty, "base")
    git(tmp_path, "clone", "--quiet", str(empty), str(tmp_path / "c"))
    git(tmp_path / "c", "checkout", "--quiet", "--detach")
    git(tmp_path / "c", "branch", "--delete", "--force", "main")
    assert 'give "origin/main"' in refused(tmp_path / "c", "mine.py:Fast", ("main", "HEAD"))[0]
    assert 'did you mean "base"' in refused(tmp_path / "c", "mine.py:Fast", ("bsae", "HEAD"))[0]


def test_submodules_are_those_of_the_revision_and_the_user_s_stay(empty, tmp_path):
    inner, sub = tmp_path / "inner", tmp_path / "sub"
    for folder in (inner, sub):
        git(tmp_path, "init", "--quiet", str(folder))
        write(folder, {"value.py": "VALUE = 1\n"})
        commit(folder, "one")
    local = ("-c", "protocol.file.allow=always")
    git(sub, *local, "submodule", "--quiet", "add", str(inner), "deep")
    commit(sub, "two")
    write(empty, {"mine.py": FAST})
    git(empty, *local, "submodule", "--quiet", "add", "--name", "other name", str(sub), "lib/sub")
    git(empty, *local, "submodule", "--quiet", "update", "--init", "--recursive")
    commit(empty, "base")
    write(sub, {"value.py": "VALUE = 2\n"})
    commit(sub, "three")
    git(empty / "lib/sub", "pull", "--quiet", "origin", git(sub, "branch", "--show-current"))
    commit(empty, "new")
    before = (empty / ".git/config").read_bytes()
    with revisions(empty, "base", "HEAD", table("mine.py:Fast"), print) as (base, new):
        values = [(side.folder / "lib/sub/value.py").read_text() for side in (base, new)]
        assert values == ["VALUE = 1\n", "VALUE = 2\n"]
        assert (new.folder / "lib/sub/deep/value.py").is_file()
    assert (empty / ".git/config").read_bytes() == before
    assert untouched(empty)


def test_leftovers_are_swept_and_what_lives_is_kept(empty, tmp_path):
    write(empty, {"mine.py": FAST})
    commit(empty, "base")
    dead, living = tmp_path / "psubench-compare-dead", tmp_path / "psubench-compare-living"
    for folder in (dead, living):
        folder.mkdir()
        (folder / "alive").touch()
        git(empty, "worktree", "add", "--quiet", "--detach", str(folder / "base"))
    git(empty, "worktree", "add", "--quiet", "--detach", str(tmp_path / "users"))
    (tmp_path / "psubench-compare-new").mkdir()  # one that is just being made
    with (living / "alive").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with revisions(empty, "base", "HEAD", table("mine.py:Fast"), print):
            pass
    assert not dead.exists()
    assert (living / "base/mine.py").is_file()
    assert (tmp_path / "psubench-compare-new").is_dir()
    listed = git(empty, "worktree", "list")
    assert "psubench-compare-living" in listed
    assert "psubench-compare-dead" not in listed
    assert "users" in listed


def test_a_comparison_from_a_hook_leaves_the_commit_as_it_was(empty, tmp_path):
    """The whole way: git runs the hook, the hook the program, and the commit holds what was staged."""
    write(empty, {"mine.py": FAST, "suite.toml": 'version = 1\n[[speed]]\nneurons = "lif"\nT = "4"\n'})
    commit(empty, "base")
    hook = empty / ".git/hooks/pre-commit"
    command = f"{sys.executable} -m psubench compare --git base HEAD --suite suite.toml --device scripted"
    hook.write_text(f"#!/bin/sh\n{command} 2> {tmp_path / 'said'}\necho $? > {tmp_path / 'code'}\n")
    hook.chmod(0o755)
    write(empty, {"mine.py": FAST + "\n", "z.txt": "z"})
    git(empty, "add", "z.txt")
    subprocess.run(["git", *AUTHOR, "commit", "--all", "--quiet", "-m", "three"], cwd=empty, check=True)
    assert git(empty, "show", "--name-only", "--format=").split() == ["mine.py", "z.txt"]
    assert untouched(empty)
    assert (tmp_path / "code").read_text() == "2\n"
    assert "names nothing of the repository" in (tmp_path / "said").read_text()
