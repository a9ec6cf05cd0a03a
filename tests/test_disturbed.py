"""Which processes are left out: by the yardstick's own time, on either side, and never a whole side."""

import math

import compare_records as records
import pytest

from psubench.regression.compare import compare, match
from psubench.regression.timing import Look

COUNT = 12
EVERYONE = frozenset(range(COUNT))


def side(slow=(), shift=0.0, all_slower=0.0):
    """LIF beside a yardstick; in the processes `slow` both are disturbed, LIF twice as much."""
    yardstick = [-all_slower - 0.3 * (p in slow) for p in range(COUNT)]
    lif = [0.2 - shift + 0.001 * (p % 2) - 0.3 * (p in slow) for p in range(COUNT)]
    return records.run({("yardstick", 8, "infer"): yardstick, ("lif", 8, "infer"): lif}, COUNT)


def left(base, new):
    (pair,) = match(base, new, None, ("*",), yardstick=True).tested.values()
    return [set(one.log_ratio) for one in pair]


def test_a_process_whose_yardstick_was_slow_is_left_out_on_both_sides():
    assert left(side(), side()) == [EVERYONE] * 2
    assert left(side(slow={1}), side(slow={4, 6})) == [EVERYONE - {1, 4, 6}] * 2


def test_a_side_on_which_everything_became_slower_keeps_its_processes():
    assert left(side(), side(all_slower=0.5)) == [EVERYONE] * 2


def test_two_finished_records_are_taken_as_they_are():
    (_, pair) = match(side(slow={1}), side(), None, ("*",), yardstick=False).tested.values()
    assert [set(one.log_ratio) for one in pair] == [EVERYONE] * 2


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "same"), (math.log(1.06), "slower")])
def test_what_was_disturbed_neither_hides_a_slowdown_nor_makes_one(shift, verdict):
    base, new = side(), side(slow={6}, shift=shift)
    (key,) = match(base, new, None, ("*",), yardstick=True).tested
    looks = [Look(processes, frozenset({key})) for processes in (range(4), range(4, COUNT))]
    (found,) = compare(base, new, looks=looks).verdicts
    assert (found.verdict, found.new_processes) == (verdict, COUNT - 4 - 1)
