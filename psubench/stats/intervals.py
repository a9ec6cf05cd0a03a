"""Medians, intervals and the noise floor of paired log-ratios. The distributions are scipy's."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LEVEL = 0.95


class Interval(NamedTuple):
    """A log-ratio and its 95 % confidence limits, which are None where the data cannot give them."""

    value: float
    low: float | None
    high: float | None

    @property
    def width(self) -> float:
        """Relative width of the interval after exp; infinite without limits."""
        if self.low is None or self.high is None:
            return math.inf
        return math.expm1(self.high - self.low)

    def ratios(self) -> tuple[float, float | None, float | None]:
        """The same as ratios: exp of value, low and high."""
        low = None if self.low is None else math.exp(self.low)
        high = None if self.high is None else math.exp(self.high)
        return math.exp(self.value), low, high


@cache
def _median_rank(n: int) -> int:
    """Rank k (from 1) such that [x_(k), x_(n+1-k)] covers the median with >= 95 %; 0 if there is none.

    The number of values below the median is Binomial(n, 1/2), whatever the distribution.
    """
    from scipy.special import bdtr

    tail = (1 - LEVEL) / 2
    k = 0
    while k < n // 2 and bdtr(k, n, 0.5) <= tail:
        k += 1
    return k


@cache
def _t_quantile(degrees: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + LEVEL) / 2))


def log_ratios(numerator: Sequence[float], denominator: Sequence[float]) -> npt.NDArray[np.float64]:
    """log(numerator / denominator), round by round; both in the same unit, length >= 1."""
    ratio: npt.NDArray[np.float64] = np.log(np.asarray(numerator, dtype=np.float64))
    return ratio - np.log(np.asarray(denominator, dtype=np.float64))


def over_rounds(values: npt.NDArray[np.float64]) -> Interval:
    """Median over the rounds of one process, with its order-statistic interval.

    Makes no assumption about the distribution. Fewer than 6 rounds give no limits. It covers only what
    varies within a process: see `over_processes`.
    """
    ordered = np.sort(values)
    k = _median_rank(len(ordered))
    value = statistics.median(ordered.tolist())
    if k == 0:
        return Interval(value, None, None)
    return Interval(value, float(ordered[k - 1]), float(ordered[-k]))


def over_processes(medians: Sequence[float]) -> Interval:
    """Mean of the processes' medians with Student's t interval: the process is the sampling unit.

    Rounds of one process share its memory layout and its place on the machine, so their number says
    nothing about the next process. Needs two processes.
    """
    n = len(medians)
    value = statistics.fmean(medians)
    if n < 2:
        return Interval(value, None, None)
    half = _t_quantile(n - 1) * statistics.stdev(medians) / math.sqrt(n)
    return Interval(value, value - half, value + half)


def combine(processes: Sequence[npt.NDArray[np.float64]]) -> Interval:
    """The interval of a case: between processes if there are several, else within the only one."""
    if len(processes) == 1:
        return over_rounds(processes[0])
    return over_processes([statistics.median(values.tolist()) for values in processes])


def noise_floor(again: Interval) -> float | None:
    """Smallest relative difference that is not noise: the farthest end of the A/A interval from 1.

    Args:
        again: log-ratio of the reference to itself.
    """
    if again.low is None or again.high is None:
        return None
    return math.expm1(max(abs(again.low), abs(again.high)))
