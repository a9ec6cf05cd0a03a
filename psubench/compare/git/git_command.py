"""Calls git without the caller's git environment; errors give git's first reason."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from psubench.errors import PsubenchError, nearest

_CALM = {"LC_ALL": "C", "LANGUAGE": "", "GIT_TERMINAL_PROMPT": "0"}
_FIRST = re.compile(r"^(fatal|error):", re.IGNORECASE)
_ADVICE = (
    ("dubious ownership", "if it is yours, run: git config --global --add safe.directory {folder}"),
    ("lfs", "install git-lfs and run git lfs install, or compare two records"),
    ("filter", "install the filter that .gitattributes names, or compare two records"),
    ("not a git repository", "run inside a git repository, or compare two records"),
    ("must be run in a work tree", "run inside a checkout, not in a bare repository"),
    ("No space left", "make room in the folder for temporary files (TMPDIR) and try again"),
    ("Permission denied", "check who may write there"),
    ("Read-only file system", "check who may write there"),
)


def own_environment() -> dict[str, str]:
    """This process's environment without git's variables: a hook is called with GIT_INDEX_FILE set."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def git(folder: Path, *arguments: str, timeout: float | None = None) -> str:
    """What a git command in a folder prints.

    Raises:
        PsubenchError: it failed; with its first reason and what to do about that.
    """
    environment: Mapping[str, str] = {**own_environment(), **_CALM}
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],
            check=False, capture_output=True, text=True, errors="replace", env=environment,
            stdin=subprocess.DEVNULL, timeout=timeout,
        )  # fmt: skip
    except FileNotFoundError:
        raise PsubenchError("git was not found", "install it, or compare two records") from None
    except subprocess.TimeoutExpired:
        raise PsubenchError(
            f"git {arguments[0]} gave no answer for {timeout:g} s", "try it by hand, or compare two records"
        ) from None
    if done.returncode != 0:
        reason = first_reason(done.stderr) or f"git {arguments[0]} ended with {done.returncode}"
        raise PsubenchError(f"git fails: {reason}", _advice(done.stderr, folder))
    return done.stdout.rstrip("\n")


def first_reason(said: str) -> str | None:
    """The line with the reason: the first `fatal`, else the first `error`, else the last; or None."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    marked = [line for line in lines if _FIRST.match(line)]
    fatal = [line for line in marked if line.lower().startswith("fatal:")]
    return next(iter([*fatal, *marked, *lines[-1:]]), None)


def _advice(said: str, folder: Path) -> str:
    for sign, remedy in _ADVICE:
        if sign.lower() in said.lower():
            return remedy.format(folder=folder)
    return "see git's own message, or compare two records"


def commit_of(top: Path, name: str) -> str:
    """The hash of a revision.

    Raises:
        PsubenchError: there is none of that name; the message suggests the nearest.
    """
    try:
        return git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except PsubenchError:
        raise PsubenchError(f'"{name}" does not name a commit in {top}', _other_names(top, name)) from None


def _other_names(top: Path, name: str) -> str:
    """What to give instead: the branch of a remote, a whole clone, or the nearest name."""
    listed = git(top, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
    known = [one for one in listed.splitlines() if one]
    remote = [one for one in known if one.partition("/")[2] == name]
    if remote:
        return f'give "{remote[0]}": only the remote has that branch here'
    if git(top, "rev-parse", "--is-shallow-repository") == "true":
        return "this clone is shallow: run git fetch --unshallow (in a workflow: fetch-depth: 0)"
    if not known:
        return "the repository has no commit yet, or none that has a name"
    return f"give a branch, a tag or a hash; {nearest(name, known[:20])}"
