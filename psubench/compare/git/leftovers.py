"""Folders of comparisons: held while their comparison lives, swept by the next one where it was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psubench.compare.git.git_command import git
from psubench.errors import PsubenchError

PREFIX = "psubench-compare-"
_ALIVE = "alive"
"""File in the folder of a comparison that is locked while its process lives, however that ends."""
_OLD_SECONDS = 3600.0
"""A folder without that file is one that is just being made, or was left by an older version."""


@contextmanager
def held_folder() -> Iterator[Path]:
    """A temporary folder that no other comparison takes for a leftover while inside."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        with held(folder):
            yield folder


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps a folder for this process while inside.

    Raises:
        PsubenchError: a living process holds it.
    """
    file = os.open(folder / _ALIVE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise PsubenchError(
            f"{folder} is at work in another process", "wait for it, or choose another --out"
        ) from None
    finally:
        os.close(file)


def sweep(top: Path) -> None:
    """Removes what killed comparisons have left: worktrees of this repository and folders of this user."""
    for path in _worktrees(top):
        if path.parent.name.startswith(PREFIX) and _abandoned(path.parent):
            remove_worktree(top, path)
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _ours(folder) and _abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _worktrees(top: Path) -> list[Path]:
    listed = git(top, "worktree", "list", "--porcelain").splitlines()
    return [Path(line.removeprefix("worktree ")) for line in listed if line.startswith("worktree ")]


def remove_worktree(top: Path, folder: Path) -> None:
    """Takes a worktree out of its repository; the others' entries, gone or not, are left as they are."""
    shutil.rmtree(folder, ignore_errors=True)  # git refuses to remove one with submodules
    with suppress(PsubenchError):  # it was not added, or is gone already
        git(top, "worktree", "remove", "--force", "--force", str(folder))


def _ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return folder.is_dir() and not folder.is_symlink() and found.st_uid == os.getuid()


def _abandoned(folder: Path) -> bool:
    """Whether no living comparison holds a folder."""
    try:
        if not (folder / _ALIVE).exists():
            return not folder.exists() or time.time() - folder.stat().st_mtime > _OLD_SECONDS
        with (folder / _ALIVE).open("r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # it is held, or is none of ours
        return False
    return True
