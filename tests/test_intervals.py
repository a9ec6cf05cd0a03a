"""Intervals against scipy's own, against simulation, and on cases with a known answer."""

import math

import numpy as np
import pytest
from scipy import stats

from psubench.stats import intervals


@pytest.mark.parametrize("n", [6, 7, 12, 50, 201])
def test_the_median_interval_covers_as_the_binomial_says(n):
    k = intervals._median_rank(n)
    # The interval [x_(k), x_(n+1-k)] misses the median when fewer than k values lie on one side.
    assert 2 * stats.binom.cdf(k - 1, n, 0.5) <= 0.05
    assert 2 * stats.binom.cdf(k, n, 0.5) > 0.05


def test_five_rounds_give_no_interval_and_six_do():
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert intervals.over_rounds(values[:5]) == (pytest.approx(0.3), None, None)
    assert intervals.over_rounds(values) == (pytest.approx(0.35), 0.1, 0.6)


def test_the_process_interval_is_students():
    medians = [0.01, 0.03, -0.02, 0.015, 0.0]
    expected = stats.ttest_1samp(medians, 0).confidence_interval(0.95)
    got = intervals.over_processes(medians)
    assert got == pytest.approx((np.mean(medians), expected.low, expected.high))


def test_intervals_cover_the_truth_in_19_of_20_runs_when_processes_differ():
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(2000):
        processes = [0.3 + 0.02 * rng.standard_normal() + 0.05 * rng.standard_normal(30) for _ in range(5)]
        interval = intervals.combine(processes)
        hits += interval.low <= 0.3 <= interval.high
    # 2,000 runs: standard error 0.5 %.
    assert 0.93 < hits / 2000 < 0.97


def test_pairs_cancel_a_drift_that_a_ratio_of_medians_does_not():
    rng = np.random.default_rng(1)
    drift = np.exp(rng.normal(0, 1, 400))
    reference = (2_000_000 * drift).astype(int)
    neuron = (1_000_000 * drift).astype(int)
    interval = intervals.over_rounds(intervals.log_ratios(reference.tolist(), neuron.tolist()))
    assert interval.ratios() == pytest.approx((2, 2, 2), rel=1e-4)


def test_the_width_of_an_interval_without_limits_is_infinite():
    assert intervals.over_processes([0.5]).width == math.inf
    assert intervals.Interval(0, -0.01, 0.01).width == pytest.approx(math.expm1(0.02))


def test_the_noise_floor_is_the_far_end_of_the_interval():
    assert intervals.noise_floor(intervals.Interval(0.0, -0.01, 0.03)) == pytest.approx(math.expm1(0.03))
    assert intervals.noise_floor(intervals.Interval(-0.02, -0.05, 0.01)) == pytest.approx(math.expm1(0.05))
    assert intervals.noise_floor(intervals.Interval(0.0, None, None)) is None
