"""Tests of means against scipy's, Holm's correction against its definition by closed testing."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from psubench.stats.changes import LEVEL, TRIM, Change, holm, paired, welch

values = st.lists(st.floats(-1, 1).map(lambda x: round(x, 6)), min_size=2, max_size=9)


@given(values, values, st.floats(0, 0.2))
def test_welch_is_scipys(base, new, margin):
    if len(set(base)) == 1 or len(set(new)) == 1:
        return
    got = welch(base, new, margin)
    due = stats.ttest_ind(base, new, equal_var=False)
    interval = due.confidence_interval(0.90)
    assert (got.low, got.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    for p, side, shift in ((got.p_slower, "greater", -margin), (got.p_faster, "less", margin)):
        shifted = [value + shift for value in base]
        assert p == pytest.approx(
            stats.ttest_ind(shifted, new, equal_var=False, alternative=side).pvalue, abs=1e-9
        )


@given(st.lists(st.floats(-1, 1).map(lambda x: round(x, 6)), min_size=2, max_size=25), st.floats(0, 0.2))
def test_pairs_are_scipys(differences, margin):
    if len(set(differences)) == 1:
        return
    got = paired(differences, margin)
    # A second sample without any spread leaves Yuen's two-sample test with the first one's error.
    zero = [0.0] * len(differences)
    for p, side, shift in ((got.p_slower, "greater", -margin), (got.p_faster, "less", margin)):
        shifted = [value + shift for value in differences]
        due = stats.ttest_ind(shifted, zero, equal_var=False, trim=TRIM, alternative=side)
        assert p == pytest.approx(due.pvalue, abs=1e-9)
    assert got.value == pytest.approx(stats.trim_mean(differences, TRIM), abs=1e-12)
    for limit, side in ((got.low, "greater"), (got.high, "less")):
        shifted = [value - limit for value in differences]
        due = stats.ttest_ind(shifted, zero, equal_var=False, trim=TRIM, alternative=side)
        assert due.pvalue == pytest.approx(LEVEL, abs=1e-6)


def test_one_process_has_no_interval_and_proves_nothing():
    assert paired([0.2], 0.03) == Change(0.2, None, None, 1.0, 1.0)
    assert welch([0.0], [-1.0, -1.0], 0.03) == Change(1.0, None, None, 1.0, 1.0)


@pytest.mark.parametrize(("new", "slower", "faster"), [(-0.1, 0.0, 1.0), (0.1, 1.0, 0.0), (0.0, 1.0, 1.0)])
def test_processes_without_any_spread_decide_by_their_value(new, slower, faster):
    got = welch([0.0, 0.0], [new, new], 0.03)
    assert (got.p_slower, got.p_faster) == (slower, faster)
    assert got.low == got.high == got.value == -new


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=6), st.floats(0.01, 0.2))
def test_holm_is_closed_testing_with_bonferroni(p, alpha):
    """A hypothesis falls when every intersection that it is in falls by Bonferroni's test."""
    numbers = range(len(p))
    subsets = [s for size in range(1, len(p) + 1) for s in itertools.combinations(numbers, size)]
    falls = {s: min(p[i] for i in s) <= alpha / len(s) for s in subsets}
    assert holm(p, alpha) == [all(falls[s] for s in subsets if i in s) for i in numbers]


def test_what_an_interval_says_of_a_margin():
    change = Change(0.0, -0.01, 0.02, 1.0, 1.0)
    margin = math.log1p(0.03)
    assert change.within(margin)
    assert change.not_slower(margin)
    assert not change._replace(low=-0.04).within(margin)
    assert change._replace(low=-0.04).not_slower(margin)
    assert not change._replace(high=0.04).not_slower(margin)
    assert not change._replace(low=None, high=None).within(margin)
