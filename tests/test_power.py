"""The smallest effect, against simulated comparisons and the quantiles of the normal distribution."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from psubench.compare import power as compare_power
from psubench.compare.looks import FRESH_LOOKS, LOOKS, NOMINAL
from psubench.compare.power import smallest_effect
from psubench.compare.selftest.error_rates import _spread
from psubench.records.selftest import Judged
from psubench.stats.changes import TRIM, paired

MARGIN, SD = 0.03, 0.02


def found_share(effect, draws=20_000):
    """How many of many simulated last looks call a slowdown by `effect` more than the margin."""
    rng = np.random.default_rng(5)
    pairs = rng.normal(math.log1p(effect), SD, (sum(LOOKS[1:]), draws))
    shifted = pairs - math.log1p(MARGIN)
    test = ttest_ind(shifted, np.zeros_like(pairs), equal_var=False, trim=TRIM, alternative="greater")
    return float((test.pvalue < NOMINAL / FRESH_LOOKS).mean())


@pytest.mark.parametrize("power", [0.5, 0.9])
def test_simulated_comparisons_find_the_smallest_effect_as_often_as_promised(power):
    assert found_share(smallest_effect(SD, MARGIN, power)) == pytest.approx(power, abs=0.01)
    assert found_share(MARGIN) == pytest.approx(NOMINAL / FRESH_LOOKS, abs=0.002)


def test_it_grows_with_noise_and_margin_and_shrinks_with_processes(monkeypatch):
    effect = smallest_effect(SD, MARGIN, 0.9)
    assert smallest_effect(2 * SD, MARGIN, 0.9) > effect > smallest_effect(SD, MARGIN, 0.5) > MARGIN
    assert smallest_effect(SD, 2 * MARGIN, 0.9) > effect
    assert smallest_effect(0.0, MARGIN, 0.9) == pytest.approx(MARGIN)
    monkeypatch.setattr(compare_power, "LOOKS", (6, 16, 40))
    assert smallest_effect(SD, MARGIN, 0.9) < effect


@pytest.mark.parametrize("n", [8, 14, 28])
def test_the_spread_is_found_again_from_the_interval(n):
    rng = np.random.default_rng(6)
    found = []
    for _ in range(2000):
        change = paired(rng.normal(0, SD, n).tolist(), 0.03)
        high, value = math.expm1(change.high), math.expm1(change.value)
        case = Judged(
            key="", name="", label="", verdict="same", reason=None, change=value, low=None, high=high,
            new_processes=n, gated=True,
        )  # fmt: skip
        found.append(_spread(case) ** 2)
    assert math.sqrt(np.mean(found)) == pytest.approx(SD, rel=0.05)
