"""False alarms and detections of a self-test, counted, with exact binomial intervals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from psubench.compare.power import cost, smallest_effect
from psubench.records.selftest import Judged, Suite
from psubench.stats.changes import LEVEL, freedom

WRAPPER = "Slowed"
"""Name of the plug-in in `compare.selftest.slowdown`, with which the labels of slowed cases begin."""
_EARLIER = ("Handicapped",)
"""Its former names, in records of earlier versions."""


class Rate(NamedTuple):
    """A count out of trials, with the exact 95 % interval of the share (Clopper and Pearson)."""

    hits: int
    trials: int
    low: float | None
    high: float | None


def rate(hits: int, trials: int) -> Rate:
    """A rate with its interval; without one if there were no trials."""
    from scipy.stats import binomtest

    if not trials:
        return Rate(hits, trials, None, None)
    interval = binomtest(hits, trials).proportion_ci(0.95, method="exact")
    return Rate(hits, trials, float(interval.low), float(interval.high))


def rates(suites: Sequence[Suite], inject: float) -> dict[str, Rate]:
    """The rates of the comparisons, by their description.

    Args:
        suites: records of a self-test.
        inject: share by which the wrapped neuron was slowed.
    """
    sound = [[case for case in suite.cases if not _slowed(case, inject)] for suite in suites]
    slowed = [[case for case in suite.cases if _slowed(case, inject)] for suite in suites]
    found = {
        "suites with a false alarm": _suites(sound, _alarm),
        "verdicts wrongly slower": _cases(sound, _alarm),
        "verdicts wrongly faster": _cases(sound, lambda case: bool(case.verdict == "faster")),
        "verdicts unclear": _cases(sound, lambda case: bool(case.verdict == "unclear")),
    }
    if inject:
        found["suites that detect the slowdown"] = _suites(slowed, _alarm)
        found["verdicts that detect the slowdown"] = _cases(slowed, _alarm)
    return found


def _suites(suites: Sequence[Sequence[Judged]], hit: Callable[[Judged], bool]) -> Rate:
    return rate(sum(any(map(hit, cases)) for cases in suites), len(suites))


def _cases(suites: Iterable[Sequence[Judged]], hit: Callable[[Judged], bool]) -> Rate:
    cases = [case for suite in suites for case in suite]
    return rate(sum(map(hit, cases)), len(cases))


def _alarm(case: Judged) -> bool:
    return bool(case.verdict in ("slower", "changed", "failed"))


def _slowed(case: Judged, inject: float) -> bool:
    return bool(inject) and case.label.startswith((WRAPPER, *_EARLIER))


def half_found(suites: Sequence[Suite]) -> float | None:
    """The slowdown of a single case that one comparison in two would find, from the measured spread.

    Computed for the median case, not counted. None where no case has an interval.
    """
    points = [
        smallest_effect(spread, suite.margin, 0.5)
        for suite in suites
        for case in suite.cases
        if (spread := _spread(case)) is not None
    ]
    return statistics.median(points) if points else None


def _spread(case: Judged) -> float | None:
    """Standard deviation between pairs of processes, from the interval that it made."""
    from scipy.special import stdtrit

    n = case.new_processes
    if case.high is None or case.change is None or n < 2:
        return None
    half = math.log1p(case.high) - math.log1p(case.change)
    return half / -float(stdtrit(freedom(n), LEVEL)) * math.sqrt(n) / cost(n)
