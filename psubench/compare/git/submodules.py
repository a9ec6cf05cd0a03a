"""Submodules of a revision in its worktree, cloned from what is here; the user's clone is only read."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from psubench.compare.git.git_command import git
from psubench.errors import PsubenchError

FETCH_SECONDS = 120.0
_LINK = re.compile(r"160000 commit ([0-9a-f]+)\t(.*)", re.DOTALL)


def check_out(tree: Path, source: Path, say: Callable[[str], None]) -> None:
    """Clones the submodules that a worktree's commit names into it, those within them too.

    Args:
        tree: the worktree, or a submodule in it.
        source: the same repository where the user has it; its submodules are what is cloned from.
        say: called with a sentence about each that is left out because it is not available.

    Raises:
        PsubenchError: a submodule that the user has checked out lacks that commit.
    """
    for path, commit in _links(tree):
        here, name = source / path, _name(tree, path)
        modules = Path(git(source, "rev-parse", "--path-format=absolute", "--git-common-dir"), "modules")
        url = _setting(source, ("config",), f"submodule.{name}.url")
        url = url or _setting(tree, ("config", "--file", str(tree / ".gitmodules")), f"submodule.{name}.url")
        local = [str(place) for place in (here, modules / name) if _is_repository(place)]
        places = [*local, *([url] if url and not url.startswith(".") else [])]
        if any(_clone(place, tree / path, commit) for place in places):
            check_out(tree / path, here if _is_repository(here) else tree / path, say)
        elif local:
            raise PsubenchError(
                f"commit {commit[:12]} of submodule {path} cannot be found",
                f"run git -C {path} fetch, then compare again",
            )
        else:
            say(f"submodule {path} is not checked out here and cannot be cloned: it is left out")


def _links(tree: Path) -> Iterator[tuple[str, str]]:
    """Path and commit of every submodule of a checkout."""
    for entry in git(tree, "ls-tree", "-r", "-z", "--full-tree", "HEAD").split("\0"):
        if found := _LINK.fullmatch(entry):
            yield found[2], found[1]


def _name(tree: Path, path: str) -> str:
    """The name that .gitmodules gives to the submodule at a path; mostly the path itself."""
    if not (tree / ".gitmodules").is_file():
        return path
    listed = _setting(tree, ("config", "--file", str(tree / ".gitmodules"), "--get-regexp"), r"\.path$")
    for line in (listed or "").splitlines():
        key, _, value = line.partition(" ")
        if value == path:
            return key.removeprefix("submodule.").removesuffix(".path")
    return path


def _setting(folder: Path, command: tuple[str, ...], key: str) -> str | None:
    try:
        return git(folder, *command, key)
    except PsubenchError:  # not set
        return None


def _is_repository(place: Path) -> bool:
    return (place / ".git").exists() or (place / "HEAD").is_file()


def _clone(place: str, folder: Path, commit: str) -> bool:
    """Whether a commit of a repository could be checked out into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        git(folder, "clone", "--quiet", "--no-checkout", "--", place, ".", timeout=FETCH_SECONDS)
        git(folder, "-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "--detach", commit)
    except PsubenchError:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return False
    return True
