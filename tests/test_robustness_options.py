"""Random options of every command: a result, or one line and an exit code that means something."""

import pytest
from support.option_sweep import attempt

from psubench.errors import CASE_FAILED

pytestmark = pytest.mark.slow

PER_TEST = 12


@pytest.mark.parametrize("first", range(0, 60, PER_TEST))
def test_any_options_end_in_a_result_or_in_one_line(first):
    for seed in range(first, first + PER_TEST):
        arguments, code = attempt(seed, real=0.0)
        assert code != CASE_FAILED, arguments  # nothing was measured
