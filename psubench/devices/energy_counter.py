"""Energy counters: their counts in integer units, or why they are unknown. Never 0, never a guess."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

CHANGES = 4  # of a counter to wait for
PATIENCE_S = 1.0  # NVML's counters change ten times a second, RAPL's a thousand times


class Reading(NamedTuple):
    """A count and None, or None and the reason why there is none."""

    value: int | None
    reason: str | None


class Resolution(NamedTuple):
    """How finely a counter counts: its smallest step in joules, and the seconds from one to the next."""

    step_j: float
    period_s: float


class Absence(NamedTuple):
    """A source of energy counts that cannot be used here, why, and what would change that."""

    source: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class Counter:
    """One hardware counter of energy, which only grows until it wraps.

    Attributes:
        source: `rapl` or `nvml`.
        name: what it covers: `package-0`, `package-0/dram`, a GPU's UUID.
        unit_j: joules per count.
        wraps_at: the count at which it starts again at 0; None if it does not wrap.
        ask: one attempt to read it.
    """

    source: str
    name: str
    unit_j: float
    wraps_at: int | None
    ask: Callable[[], Reading]

    def read(self) -> Reading:
        """The count now. A read that fails is repeated once; a second failure is final."""
        first = self.ask()
        return first if first.value is not None else self.ask()

    def spent(self, before: Reading, after: Reading) -> Reading:
        """Counts from one reading to the next, over at most one wrap.

        None with a reason if a reading is missing, the counter did not move, or it ran backwards
        although it does not wrap.
        """
        if before.value is None or after.value is None:
            reason = before.reason if before.value is None else after.reason
            return Reading(None, f"{self.name}: {reason}")
        difference = after.value - before.value
        wrapped = difference < 0 and self.wraps_at is not None
        if wrapped:
            difference += self.wraps_at or 0
        # More than half of the range is not a wrap but a small step back: a range lasts for minutes.
        if difference < 0 or (wrapped and difference > (self.wraps_at or 0) // 2):
            return Reading(None, f"{self.name} ran backwards from {before.value} to {after.value}")
        if difference == 0:
            return Reading(None, f"{self.name} is stuck at {after.value}")
        return Reading(difference, None)

    def resolution(
        self, clock: Callable[[], float] = time.monotonic, patience_s: float = PATIENCE_S
    ) -> tuple[Resolution | None, str | None]:
        """Reads again and again until the counter has changed a few times.

        Even an idle machine draws power, so a counter that does not change is stuck: None and the
        reason.

        Args:
            clock: seconds, monotonic.
            patience_s: how long it may take.
        """
        last, began = self.read(), clock()
        times: list[float] = []
        steps: list[int] = []
        while len(steps) < CHANGES and clock() - began < patience_s:
            now = self.read()
            spent = self.spent(last, now)
            if now.value is None or last.value is None:
                return None, spent.reason
            if spent.value is not None:
                steps.append(spent.value)
                times.append(clock())
            last = now
        if len(steps) < 2:
            return None, f"{self.name} did not count for {patience_s:g} s"
        # The first change came after less than a period.
        periods = [b - a for a, b in itertools.pairwise(times)]
        return Resolution(min(steps[1:]) * self.unit_j, statistics.median(periods)), None
