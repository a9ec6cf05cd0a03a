"""How much slower, and is it more than the margin? Student's t over processes, with scipy's distributions.

Of pairs the trimmed mean (Yuen 1974, Biometrika 61:165): a process whose tensors have a bad place in memory
is slower by 10 to 40 % for its whole life, and one such pair in thirty would dominate a plain mean.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

LEVEL = 0.05
"""Of each one-sided limit, so that [low, high] is a 90 % interval: what two one-sided tests at 5 % need."""


TRIM = 0.1
"""Share of the pairs that is trimmed at either end; fewer than ten pairs are not trimmed."""


def cut(count: int) -> int:
    """Number of pairs, of `count`, that are trimmed at either end."""
    return int(TRIM * count)


def freedom(count: int) -> int:
    """Degrees of freedom of `count` pairs after trimming."""
    return count - 2 * cut(count) - 1


class Change(NamedTuple):
    """log(t_new / t_base) of a case: above 0 it became slower.

    Attributes:
        low, high: one-sided 95 % limits; None where there are too few processes.
        p_slower: of "the change is at most +margin".
        p_faster: of "the change is at least -margin".
    """

    value: float
    low: float | None
    high: float | None
    p_slower: float
    p_faster: float

    def within(self, margin: float) -> bool:
        """Whether the interval shows that nothing changed by more than the margin (a log ratio)."""
        return self.low is not None and self.high is not None and -margin < self.low and self.high < margin

    def not_slower(self, margin: float) -> bool:
        """Whether a slowdown beyond the margin is ruled out."""
        return self.high is not None and self.high < margin


def welch(base: Sequence[float], new: Sequence[float], margin: float) -> Change:
    """Welch's t over processes, as in `scipy.stats.ttest_ind(equal_var=False)`.

    The process is the sampling unit: its rounds share a memory layout and count as one number.

    Args:
        base, new: log(t_reference / t_case) per process.
        margin: a log ratio.
    """
    value = statistics.fmean(base) - statistics.fmean(new)
    if len(base) < 2 or len(new) < 2:
        return Change(value, None, None, 1.0, 1.0)
    variances = [_variance(side) / len(side) for side in (base, new)]
    error = math.sqrt(sum(variances))
    spread = sum(v**2 / (len(side) - 1) for v, side in zip(variances, (base, new), strict=True))
    # Welch and Satterthwaite.
    degrees = sum(variances) ** 2 / spread if spread else len(base) + len(new) - 2
    return _change(value, error, degrees, margin)


def paired(differences: Sequence[float], margin: float) -> Change:
    """Yuen's t of pairs of processes that ran one after the other: what `scipy.stats.ttest_ind` calls `trim`.

    Over minutes a machine drifts in ways that division by the reference does not take out, because loops
    and products are not disturbed alike. Consecutive processes share the drift: on one quiet machine with two
    cores the numbers of base and new were correlated by -0.3 to 0.8 (14 pairs, 25 cases, median 0.5), minutes
    later hardly at all (34 pairs, -0.1 to 0.3).

    Args:
        differences: log(t_new / t_base) per pair.
        margin: a log ratio.
    """
    if len(differences) < 2:
        return Change(statistics.fmean(differences), None, None, 1.0, 1.0)
    ordered, count = sorted(differences), len(differences)
    off = cut(count)
    kept = ordered[off : count - off]
    value = statistics.fmean(kept)
    winsorized = [kept[0]] * off + kept + [kept[-1]] * off
    error = math.sqrt(_variance(winsorized) * (count - 1) / (len(kept) * (len(kept) - 1)))
    return _change(value, error, freedom(count), margin)


def _variance(values: Sequence[float]) -> float:
    """Of a sample; that of `statistics` is exact and takes 50 times as long."""
    if min(values) == max(values):
        return 0.0
    mean = statistics.fmean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _change(value: float, error: float, degrees: float, margin: float) -> Change:
    from scipy.special import stdtr, stdtrit

    if error == 0.0:  # a fake clock: no process differs from another
        return Change(value, value, value, float(value <= margin), float(value >= -margin))
    half = -float(stdtrit(degrees, LEVEL)) * error
    return Change(
        value,
        value - half,
        value + half,
        float(stdtr(degrees, (margin - value) / error)),
        float(stdtr(degrees, (margin + value) / error)),
    )


def holm(p: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses are rejected if the probability of any false rejection is at most alpha (Holm 1979).

    The smallest of m values is compared with alpha/m, the next with alpha/(m-1), and so on, until the
    first that is not rejected.
    """
    fall = [False] * len(p)
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[index] > alpha / (len(p) - rank):
            break
        fall[index] = True
    return fall
