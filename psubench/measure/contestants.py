"""What is measured side by side, and what watches that one contestant changes nothing for the others."""

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
        check: given the result of one call of every window once its clock has stopped; raises if it is
            not what it has to be.
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
        """Number of the call of a window whose result is checked; nobody can foresee it."""
        return 0 if self.draws else _UNFORESEEN.randrange(loops)


_UNFORESEEN = random.SystemRandom()


class SpoiledError(Exception):
    """A contestant has left what cannot be put back: the others must be measured in a fresh process."""

    def __init__(self, label: str | None, message: str) -> None:
        """Without a label it is not known who it was."""
        super().__init__(message)
        self.label = label


class Guard(Protocol):
    """Looks after what contestants could change for each other."""

    def after(self, label: str) -> None:
        """Right after a sample; raises what its contestant has changed."""

    def due(self) -> bool:
        """Whether it is time for a sweep."""

    def sweep(self) -> str | None:
        """Compares everything; what had changed since the sweep before, by whomever."""


class Unguarded:
    """Nothing is looked at: for contestants of one's own."""

    def after(self, label: str) -> None:
        """Nothing."""

    def due(self) -> bool:
        """Never."""
        return False

    def sweep(self) -> str | None:
        """Nothing has changed."""
        return None
