"""A range of commits, and the work of each: counted once, two commits at a time, nothing timed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from psubench.compare.git.ab_run import with_fixed_work
from psubench.compare.git.git_command import commit_of, git
from psubench.compare.git.imported_from import plugins_of
from psubench.compare.git.packages import packages
from psubench.compare.git.side import OutOfTimeError, Side, Words, at_once
from psubench.compare.git.worktrees import Repository, checked_out, sides_of
from psubench.errors import PsubenchError, number_of
from psubench.records.structs import Record

LAST = 10
"""Commits that are compared where no range is given."""
AT_ONCE = 2
LONGEST_SECONDS = 600.0
"""For counting one commit, which takes seconds; building C++ may take minutes."""
Result = tuple[list[Record] | None, str]
"""What was counted, or None and why not."""


class Commit(NamedTuple):
    """One of a range; `date` as ISO 8601, `subject` the first line of its message."""

    hash: str
    date: str
    subject: str

    @property
    def short(self) -> str:
        """The beginning of its hash."""
        return self.hash[:8]


@dataclass(frozen=True)
class Counted:
    """What became of a commit.

    Attributes:
        records: None if it could not be counted.
        reason: why not.
        packages: what decides which packages it needs; the same for commits that need the same.
    """

    commit: Commit
    records: Sequence[Record] | None
    reason: str = ""
    packages: Mapping[str, Any] = field(default_factory=dict)


def commits_of(top: Path, text: str | None) -> list[Commit]:
    """The commits of a range in order along first parents, after the one that the first is compared with.

    Args:
        text: such as `HEAD~10..HEAD`; the last of the current branch if None.

    Raises:
        PsubenchError: the text is not a range, one of its ends is not a commit, or the range is empty.
    """
    if text is None:
        return _listed(top, f"--max-count={LAST + 1}", "HEAD")
    first, _, last = text.partition("..")
    if last.startswith("."):
        raise PsubenchError(f'"{text}" is not a range of commits', "give one such as HEAD~10..HEAD")
    begin, end = (commit_of(top, name or "HEAD") for name in (first, last))
    found = _listed(top, f"{begin}..{end}")
    if not found:
        raise PsubenchError(f"the range {text} is empty", "give the older end first, as in HEAD~10..HEAD")
    before = list[Commit]()
    with suppress(PsubenchError):  # the first commit of a repository, or of a shallow clone, has none
        before = _listed(top, "--max-count=1", f"{found[0].hash}^")
    return [*before, *found]


def _listed(top: Path, *which: str) -> list[Commit]:
    form = ("--first-parent", "--reverse", "--no-show-signature", "--format=%H%x09%cI%x09%s")
    return [Commit(*line.split("\t", 2)) for line in git(top, "log", *form, *which, "--").splitlines()]


@dataclass
class Counter:
    """Counts commits of a repository.

    Attributes:
        tables, settings: of the suite that is counted.
        say: told what is left out of a commit.
        found: what became of the commits so far, by hash.
    """

    repository: Repository
    tables: Sequence[Words]
    settings: Mapping[str, Any]
    device: str
    say: Callable[[str], None]
    found: dict[str, Counted] = field(default_factory=dict)

    def check(self, commits: Sequence[Commit]) -> None:
        """Raises PsubenchError if none of these commits has a file that the suite names."""
        for path in sorted(one for one in plugins_of(self.tables) if one.endswith(".py")):
            if not any(self._has(commit, path) for commit in commits):
                last = f"{commits[0].short}..{commits[-1].short}"
                raise PsubenchError(
                    f"no commit of {last} has {path}, which the suite names",
                    "give a range that has it, or another --suite",
                )

    def _has(self, commit: Commit, path: str) -> bool:
        name = os.path.normpath(self.repository.within / path)
        with suppress(PsubenchError):
            git(self.repository.top, "cat-file", "-e", f"{commit.hash}:{name}")
            return True
        return False

    def count(self, commits: Sequence[Commit]) -> None:
        """Counts those of these commits that have not been counted."""
        left = [commit for commit in commits if commit.hash not in self.found]
        for start in range(0, len(left), AT_ONCE):
            some = left[start : start + AT_ONCE]
            with ExitStack() as stack:
                self._together(some, stack)
            self.say(f"{number_of(len(self.found), 'commit')} counted")

    def _together(self, commits: Sequence[Commit], stack: ExitStack) -> None:
        """Counts them at once, each in a checkout of its own; those with C++ one after the other."""
        begun: list[tuple[Commit, Side, Mapping[str, Any]]] = []
        for commit in commits:
            try:
                [checkout] = stack.enter_context(
                    checked_out(self.repository, {commit.short: commit.hash}, self.say)
                )
                [side] = sides_of(self.repository, [checkout], self.tables, self.say)
                begun.append((commit, side, packages(checkout)))
            except PsubenchError as error:
                self.found[commit.hash] = Counted(commit, None, error.what)
        with at_once([side for _, side, _ in begun]) as pool:
            futures = [(*one, pool.submit(self._once, one[1])) for one in begun]
            for commit, _, needed, future in futures:
                self.found[commit.hash] = _counted(commit, future, needed)

    def _once(self, side: Side) -> Result:
        shared = side.origin.own[0].parent if side.origin else side.folder.parent
        tables = with_fixed_work(self.tables, side.folder, shared)
        return side.count(tables, self.settings, self.device, time.monotonic() + LONGEST_SECONDS)


def _counted(commit: Commit, future: Future[Result], needed: Mapping[str, Any]) -> Counted:
    try:
        records, reason = future.result()
    except PsubenchError as error:
        records, reason = None, error.what
    except OutOfTimeError:
        records, reason = None, f"counting took longer than {LONGEST_SECONDS:g} s"
    return Counted(commit, records, reason, needed)
