"""The smallest effect, against simulated comparisons and the quantiles of the normal distribution."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from psubench.regression import detect
from psubench.regression.detect import smallest_effect
from psubench.regression.timing import ALPHA, FRESH_LOOKS, LOOKS

MARGIN, SD = 0.03, 0.02


def found_share(effect, draws=20_000):
    """How many of many simulated last looks call a slowdown by `effect` more than the margin."""
    rng = np.random.default_rng(5)
    pairs = rng.normal(math.log1p(effect), SD, (sum(LOOKS[1:]), draws))
    test = ttest_1samp(pairs, math.log1p(MARGIN), alternative="greater")
    return float((test.pvalue < ALPHA / FRESH_LOOKS).mean())


@pytest.mark.parametrize("power", [0.5, 0.9])
def test_simulated_comparisons_find_the_smallest_effect_as_often_as_promised(power):
    assert found_share(smallest_effect(SD, MARGIN, power)) == pytest.approx(power, abs=0.01)
    assert found_share(MARGIN) == pytest.approx(ALPHA / FRESH_LOOKS, abs=0.002)


def test_it_grows_with_noise_and_margin_and_shrinks_with_processes(monkeypatch):
    effect = smallest_effect(SD, MARGIN, 0.9)
    assert smallest_effect(2 * SD, MARGIN, 0.9) > effect > smallest_effect(SD, MARGIN, 0.5) > MARGIN
    assert smallest_effect(SD, 2 * MARGIN, 0.9) > effect
    assert smallest_effect(0.0, MARGIN, 0.9) == pytest.approx(MARGIN)
    monkeypatch.setattr(detect, "LOOKS", (6, 16, 40))
    assert smallest_effect(SD, MARGIN, 0.9) < effect
