"""The smallest effect, against simulated comparisons and the quantiles of the normal distribution."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import ttest_ind

from psubench.detect import Comparison

CI = Comparison(margin=0.03, processes=5, cases=24)
SD = 0.012


def found_share(effect, comparison, draws=20_000):
    """How many of many simulated comparisons call a slowdown by `effect` more than the margin."""
    rng = np.random.default_rng(5)
    base = rng.normal(0.0, SD, (comparison.processes, draws))
    head = rng.normal(math.log1p(effect), SD, (comparison.processes, draws))
    test = ttest_ind(head - math.log1p(comparison.margin), base, alternative="greater")
    return float((test.pvalue < comparison.alpha / comparison.cases).mean())


@pytest.mark.parametrize(
    "comparison", [CI, replace(CI, processes=3, cases=1), replace(CI, processes=12, power=0.5)]
)
def test_simulated_comparisons_find_the_smallest_effect_as_often_as_promised(comparison):
    effect = comparison.smallest_effect(SD)
    assert found_share(effect, comparison) == pytest.approx(comparison.power, abs=0.01)
    assert found_share(comparison.margin, comparison) == pytest.approx(
        comparison.alpha / comparison.cases, abs=0.004
    )


def test_with_many_processes_it_is_the_normal_distributions():
    many = Comparison(margin=0.02, processes=4000, cases=1)
    z = NormalDist().inv_cdf(0.95) + NormalDist().inv_cdf(0.9)
    assert many.smallest_effect(0.5) == pytest.approx(
        1.02 * math.exp(z * 0.5 * math.sqrt(2 / 4000)) - 1, rel=1e-3
    )


def test_it_grows_with_noise_margin_and_cases_and_shrinks_with_processes():
    effect = CI.smallest_effect(SD)
    assert CI.smallest_effect(2 * SD) > effect > CI.margin
    assert replace(CI, cases=48).smallest_effect(SD) > effect > replace(CI, processes=10).smallest_effect(SD)
    assert CI.smallest_effect(0.0) == pytest.approx(CI.margin)


def test_one_process_tells_nothing():
    assert replace(CI, processes=1).smallest_effect(SD) is None
