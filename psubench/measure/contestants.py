"""The contestants of a block, and the guard that keeps one from affecting the others."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol


def _nothing(*_: object) -> None:
    """Neither prepares nor checks."""


@dataclass(frozen=True)
class Contestant:
    """Something to be timed: `call` is one unit of work with everything prepared beforehand.

    Attributes:
        prepare: called before every window.
        check: called with the result of one call of every window after its clock has stopped; raises if it
            is not as expected.
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
        """Number of the call of a window whose result is checked; a neuron cannot predict it."""
        return 0 if self.draws else _UNFORESEEN.randrange(loops)


_UNFORESEEN = random.SystemRandom()


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
