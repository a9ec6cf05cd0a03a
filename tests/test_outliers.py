"""Which processes are left out: by the fixed_work's own time, on either side, and never a whole side."""

import math

import pytest
from support import compare_records as records
from support.records_of import summed

from psubench.compare.looks import DISTURBED, Look, judge, suspects
from psubench.compare.verdicts import compare, match

COUNT = 12
EVERYONE = frozenset(range(COUNT))


def side(slow=(), shift=0.0, all_slower=0.0):
    """LIF beside a fixed_work; in the processes `slow` both are disturbed, LIF twice as much."""
    fixed_work = [-all_slower - 0.3 * (p in slow) for p in range(COUNT)]
    lif = [0.2 - shift + 0.001 * (p % 2) - 0.3 * (p in slow) for p in range(COUNT)]
    return summed(records.run({("fixed work", 8, "infer"): fixed_work, ("lif", 8, "infer"): lif}, COUNT))


def left(base, new):
    (pair,) = match(base, new, None, ("*",), turns=[range(COUNT)]).tested.values()
    return [set(one.log_ratio) for one in pair]


def test_a_process_whose_fixed_work_was_slow_is_left_out_on_both_sides():
    assert left(side(), side()) == [EVERYONE] * 2
    assert left(side(slow={1}), side(slow={4, 6})) == [EVERYONE - {1, 4, 6}] * 2


def test_a_side_on_which_everything_became_slower_keeps_its_processes():
    assert left(side(), side(all_slower=0.5)) == [EVERYONE] * 2


def test_two_finished_records_are_taken_as_they_are():
    (_, pair) = match(side(slow={1}), side(), None, ("*",), turns=()).tested.values()
    assert [set(one.log_ratio) for one in pair] == [EVERYONE] * 2


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "same"), (math.log(1.06), "slower")])
def test_what_was_disturbed_neither_hides_a_slowdown_nor_makes_one(shift, verdict):
    base, new = side(), side(slow={6}, shift=shift)
    (key,) = match(base, new, None, ("*",), turns=[range(COUNT)]).tested
    looks = [Look(processes, frozenset({key})) for processes in (range(4), range(4, COUNT))]
    (found,) = compare(base, new, looks=looks).verdicts
    assert (found.verdict, found.new_processes) == (verdict, COUNT - 4 - 1)


def test_a_turn_is_judged_by_itself():
    """A quicker fixed_work in later processes makes no earlier one a disturbed one."""
    quick = {p: 0.0 if p < 6 else -0.5 for p in range(COUNT)}
    fixed_work = [-v for v in quick.values()]
    one = summed(
        records.run({("fixed work", 8, "infer"): fixed_work, ("lif", 8, "infer"): [0.2] * COUNT}, COUNT)
    )
    (pair,) = match(one, one, None, ("*",), turns=[range(6), range(6, COUNT)]).tested.values()
    assert [set(one.log_ratio) for one in pair] == [EVERYONE] * 2


def test_a_case_of_which_every_pair_was_disturbed_is_measured_again():
    base, new = side(slow={0, 1, 2}), side(slow={3, 4, 5})
    found = match(base, new, None, ("*",), turns=[range(6), range(6, COUNT)])
    (key,) = found.tested
    looks = [Look(range(6), frozenset({key}))]
    assert judge(found.tested, found.rule, looks)[key].reason == DISTURBED
    assert suspects(found.tested, found.rule, looks) == {key}
    looks.append(Look(range(6, COUNT), frozenset({key})))
    assert judge(found.tested, found.rule, looks)[key].verdict == "same"
