"""Two revisions of a git repository as sides: worktrees in a temporary folder, each with its packages."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psubench.compare.git.side import Side, own_code
from psubench.errors import PsubenchError

_PACKAGE_FILES = ("constraints.txt", "setup.py", "setup.cfg")
_NO_HOOKS = ("-c", "core.hooksPath=/dev/null")


@contextmanager
def revisions(
    repository: Path, base: str, new: str, say: Callable[[str], None]
) -> Iterator[tuple[Side, Side]]:
    """Both revisions checked out beside each other while inside; the user's tree is not touched.

    Each side's folder lies in one temporary folder, so `../file` is the same file for both.

    Args:
        repository: any folder of it.
        base, new: whatever git takes for a commit.
        say: told in a sentence what takes long and what is left out.

    Raises:
        PsubenchError: no repository, no such revision, or packages that cannot be installed.
    """
    top = Path(_git(repository, "rev-parse", "--show-toplevel"))
    commits = [_commit(top, name) for name in (base, new)]
    if _git(top, "status", "--porcelain", "--untracked-files=no"):
        say("changes that are not committed are not measured")
    with tempfile.TemporaryDirectory(prefix="psubench-compare-") as temporary:
        folders = [Path(temporary, name) for name in ("base", "new")]
        try:
            for folder, commit in zip(folders, commits, strict=True):
                _git(top, *_NO_HOOKS, "worktree", "add", "--detach", "--force", str(folder), commit)
            yield _sides(folders, say)
        finally:
            _remove(top, folders)


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], check=False, capture_output=True, text=True
        )
    except FileNotFoundError:
        raise PsubenchError("there is no git on this machine", "install it, or compare two records") from None
    if done.returncode != 0:
        last = next(iter(done.stderr.strip().splitlines()[-1:]), "it does not say why")
        raise PsubenchError(f"git fails: {last}", "run inside a git repository, or compare two records")
    return done.stdout.strip()


def _commit(top: Path, name: str) -> str:
    try:
        return _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except PsubenchError:
        raise PsubenchError(
            f'"{name}" names no commit in {top}', "give a branch, tag or hash; a shallow clone lacks most"
        ) from None


def _remove(top: Path, folders: list[Path]) -> None:
    """Takes the worktrees out of the repository; a second Ctrl-C waits for it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for folder in folders:
            if folder.exists():
                _git(top, "worktree", "remove", "--force", "--force", str(folder))
        _git(top, "worktree", "prune")
    finally:
        signal.signal(signal.SIGINT, before)


def _sides(folders: list[Path], say: Callable[[str], None]) -> tuple[Side, Side]:
    base, new = folders
    if packages(base) == packages(new):
        pythons = [Path(sys.executable)] * 2
    else:
        say("the revisions need other packages: installing an environment for each, which takes minutes")
        pythons = [_install(folder) for folder in folders]
    sides = [
        Side(folder.name, python, folder, own_code(folder))
        for folder, python in zip(folders, pythons, strict=True)
    ]
    return sides[0], sides[1]


def packages(folder: Path) -> dict[str, Any]:
    """What decides which packages a checkout needs; tools' settings and documents do not."""
    found: dict[str, Any] = {
        path.name: path.read_bytes()
        for path in [*(folder / name for name in _PACKAGE_FILES), *folder.glob("requirements*.txt")]
        if path.is_file()
    }
    if (folder / "pyproject.toml").is_file():
        project = tomllib.loads((folder / "pyproject.toml").read_text())
        found["build-system"] = project.get("build-system")
        for field in ("requires-python", "dependencies", "optional-dependencies"):
            found[field] = project.get("project", {}).get(field)
    return found


def _install(folder: Path) -> Path:
    """The interpreter of a new virtual environment with a checkout's packages."""
    python = folder.parent / f"{folder.name}-venv" / "bin" / "python"
    pins = folder / "constraints.txt"
    constraint = ["--constraint", str(pins)] if pins.is_file() else []
    for command in (
        [sys.executable, "-m", "venv", str(python.parent.parent)],
        [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *constraint,
            str(folder),
        ],
    ):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            last = next(iter((done.stderr or done.stdout).strip().splitlines()[-1:]), "no message")
            raise PsubenchError(
                f"the packages of {folder.name} cannot be installed: {last}",
                "measure each revision in an environment of its own and compare the two records",
            )
    return python
