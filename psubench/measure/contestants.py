"""The contestants of a block, and the guard that keeps one from affecting the others."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from psubench.records.measured import AGAIN

if TYPE_CHECKING:
    from psubench.devices import Sample


def _nothing(*_: object) -> None:
    """Neither prepares nor checks."""


@dataclass(frozen=True)
class Contestant:
    """Something to be timed: `call` is one unit of work with everything prepared beforehand.

    Attributes:
        prepare: called before every window.
        check: called with the result of one call of a window after its clock has stopped; raises if it is
            not as expected.
        mode: entered around every window, before its clock starts.
        draws: whether `check` knows the result of the first call after `prepare` only.
    """

    label: str
    call: Callable[[], object]
    prepare: Callable[[], None] = _nothing
    check: Callable[[object], None] = _nothing
    mode: Callable[[], AbstractContextManager[object]] = nullcontext
    draws: bool = False

    def kept(self, loops: int) -> int:
        """Number of the call of a window whose result is kept; a neuron cannot predict it."""
        return 0 if self.draws else _UNFORESEEN.randrange(loops)


def tied(label: str, reference: str | None) -> tuple[str, ...]:
    """Who leaves with a contestant that failed: the reference and its second self have one another alone."""
    pair = (AGAIN,) if reference is None else (reference, AGAIN)
    return pair if label in pair else (label,)


_UNFORESEEN = random.SystemRandom()
CHECK_SHARE = 0.01  # of the time in windows that checking may take
LEAST_CHECKED = 1 / 16  # of the windows, however long it takes
CHECKED_FIRST = 3  # windows of each contestant


class Checks:
    """Draws the windows of which a result is checked, and the call; nobody can foresee them.

    Checking reads as much memory as a copy of the output. Of every window it would be a sixth of the time.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._least: dict[str, tuple[float, int]] = {}  # window per call, check; a busy machine only adds

    def draw(self, contestant: Contestant, loops: int) -> int | None:
        """Number of the call of the next window whose result is checked; None to check none of them."""
        seen = self._seen[contestant.label] = self._seen.get(contestant.label, 0) + 1
        if seen > CHECKED_FIRST and contestant.label in self._least:
            call_ns, check_ns = self._least[contestant.label]
            share = max(LEAST_CHECKED, CHECK_SHARE * loops * call_ns / check_ns)
            if _UNFORESEEN.random() > share:
                return None
        return contestant.kept(loops)

    def run(self, contestant: Contestant, sample: Sample, loops: int) -> None:
        """Checks a result, and learns how many more can be afforded."""
        began = time.perf_counter_ns()
        contestant.check(sample.result)
        found = sample.wall_ns / loops, max(1, time.perf_counter_ns() - began)
        before = self._least.get(contestant.label, found)
        self._least[contestant.label] = min(found[0], before[0]), min(found[1], before[1])


class SpoiledError(Exception):
    """A contestant has changed what cannot be restored: the others must be measured in a fresh process."""

    def __init__(self, label: str | None, message: str) -> None:
        """Without a label, the contestant is unknown."""
        super().__init__(message)
        self.label = label


class Guard(Protocol):
    """Checks what contestants could change for each other."""

    def after(self, label: str) -> None:
        """Called after a sample; raises if its contestant has changed something."""

    def due(self) -> bool:
        """Whether it is time for a sweep."""

    def sweep(self) -> str | None:
        """Compares everything; returns what has changed since the previous sweep, whatever the cause."""


class Unguarded:
    """Checks nothing: for trusted contestants."""

    def after(self, label: str) -> None:
        """Nothing."""

    def due(self) -> bool:
        """Never."""
        return False

    def sweep(self) -> str | None:
        """Nothing has changed."""
        return None
