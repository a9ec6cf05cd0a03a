"""All cases of a neuron as a whole: what belongs together, means by hand, and that they find more."""

import math

import numpy as np
import pytest
from support import compare_records as records
from support.records_of import typed

from psubench.compare.evidence import summary
from psubench.compare.families import families
from psubench.compare.git.ab_run import Look
from psubench.compare.verdicts import compare, match
from psubench.errors import REGRESSION

FIXED_WORK = ("fixed work", 8, "infer"), ("fixed work", 32, "infer")


def sides(shift, sd=0.0, processes=6, seed=1):
    """Base and new, in which psu is slower by `shift` at both T; lif has one case only."""
    rng = np.random.default_rng(seed)

    def side(slower):
        drawn = {key: rng.normal(0, sd, processes) for key in (("psu", 8), ("psu", 32), ("lif", 8))}
        record = records.run(
            {
                FIXED_WORK[0]: [0.0] * processes,
                ("psu", 8, "infer"): list(0.5 + drawn["psu", 8] - slower),
                ("lif", 8, "infer"): list(0.2 + drawn["lif", 8]),
                FIXED_WORK[1]: [0.0] * processes,
                ("psu", 32, "infer"): list(0.9 + drawn["psu", 32] - slower),
            },
            processes,
        )
        return summary(typed(record))

    return side(0.0), side(shift)


def looks(*counts):
    """Each at everything."""
    base, new = sides(0.0)
    keys = frozenset(match(base, new, None, ("*",), turns=[range(6)]).tested)
    ends = np.cumsum(counts)
    return [Look(range(end - count, end), keys) for end, count in zip(ends, counts, strict=True)]


def test_cases_of_a_neuron_are_pooled_and_a_single_one_is_not():
    base, new = sides(0.1)
    found = match(base, new, None, ("*",), turns=[range(6)])
    ((key, family),) = found.families.items()
    assert {found.pairs[member][1].case["T"] for member in family.members} == {8, 32}
    assert family.pair[1].label == "psu, all 2 cases"
    assert "T" not in family.pair[1].case
    assert family.pair[1].case["phase"] == "infer"
    assert family.pair[0].log_ratio == pytest.approx(dict.fromkeys(range(6), 0.7))
    assert family.pair[1].log_ratio == pytest.approx(dict.fromkeys(range(6), 0.6))
    assert {one.case["T"] for one in found.cases_of([key])} == {8, 32}
    assert key in found.rule.gated


def test_a_process_counts_by_the_members_that_both_sides_have_if_those_are_half_of_them():
    base, new = sides(0.1)
    found = match(base, new, None, ("*",), turns=[range(6)])
    pairs = {key: pair for key, pair in found.tested.items() if key not in found.families}
    first = next(key for key, (_, one) in pairs.items() if one.label == "psu")
    del pairs[first][1].log_ratio[3]
    (family,) = families(pairs).values()
    # One of two is half of them: its pair counts, the same one on both sides.
    assert [family.pair[side].log_ratio[3] for side in (0, 1)] == pytest.approx([0.9, 0.8])
    for _, one in list(pairs.values())[1:]:
        one.log_ratio.pop(3, None)
    (family,) = families(pairs).values()
    assert sorted(family.pair[1].log_ratio) == sorted(family.pair[0].log_ratio) == [0, 1, 2, 4, 5]


def test_a_process_that_measured_only_some_of_the_cases_does_not_count():
    """A later look measures suspects alone, which were chosen because they looked slow."""
    base, new = sides(0.1)
    found = match(base, new, None, ("*",), turns=[range(6)])
    pairs = {key: pair for key, pair in found.tested.items() if key not in found.families}
    first = next(key for key, (_, one) in pairs.items() if one.label == "psu")
    for numbers in (pairs[first][1].log_ratio, pairs[first][1].log_time):
        del numbers[3]
    (family,) = families(pairs).values()
    assert sorted(family.pair[1].log_ratio) == sorted(family.pair[0].log_ratio) == [0, 1, 2, 4, 5]


def test_a_pool_is_gated_only_with_all_of_its_cases():
    base, new = sides(0.1)
    found = match(base, new, None, ("psu*T=8*",), turns=[range(6)])
    assert not found.rule.gated & found.families.keys()


def test_two_finished_records_have_no_pools():
    base, new = sides(0.1)
    assert len(compare(base, new).verdicts) == 5


def test_the_whole_is_found_more_often_than_its_cases():
    found = {"psu, all 2 cases": 0, "psu": 0, "lif": 0}
    for seed in range(20):
        base, new = sides(math.log(1.05), sd=0.025, processes=34, seed=seed)
        comparison = compare(base, new, looks=looks(6, 8, 20))
        slower = {one.label for one in comparison.verdicts if one.verdict == "slower"}
        assert comparison.exit_code(strict=False) == (REGRESSION if slower else 0)
        found = {label: count + (label in slower) for label, count in found.items()}
    assert found["psu, all 2 cases"] > found["psu"]
    assert found["psu, all 2 cases"] >= 10
    assert found["lif"] == 0
