"""The rule's error rates on simulated processes with known effects, and what each look is allowed to see."""

import math
from dataclasses import replace

import numpy as np
import pytest

from psubench.compare.decide import Rule
from psubench.compare.evidence import Evidence
from psubench.compare.git.ab_run import FEW
from psubench.compare.looks import (
    FEW_CASES,
    FEW_LOOKS,
    LOOKS,
    NO_PAIR,
    SETTLED,
    Look,
    begun,
    far,
    judge,
    sizes,
    suspects,
)  # fmt: skip

MARGIN = math.log1p(0.03)
CASES = 24
KEYS = [f"case{i}" for i in range(CASES)]
RULE = Rule(MARGIN, same_machine=True, gated=frozenset(KEYS))


def normal(sd):
    return lambda rng, shape: rng.normal(0, sd, shape)


def heavy(rng, shape):
    return rng.standard_t(3, shape) * 0.015


def uneven(rng, shape):
    return rng.normal(0, 1, shape) * rng.choice([0.005, 0.01, 0.02, 0.05], (shape[0], 1))


def bursty(rng, shape):
    return rng.normal(0, 0.012, shape) + (rng.random(shape) < 0.25) * rng.exponential(0.2, shape)


def evidence(key, values):
    numbers = dict(enumerate(values))
    return Evidence(key, {}, key, "reference", "ok", None, {}, numbers, numbers, {})


def simulate(rng, draw, shifts, drift=0.0):
    """Verdicts of one comparison as `AbRun` makes it, and how many looks it took.

    `drift` is the standard deviation of what both processes of a pair share.
    """
    shape = (len(shifts), sum(LOOKS))
    base, new = draw(rng, shape), draw(rng, shape) - np.asarray(shifts)[:, None]
    shared = rng.normal(0, drift, shape)
    base, new = base + shared, new + shared
    keys, looks, stop = frozenset(KEYS), [], 0
    while keys and len(looks) < len(LOOKS):
        looks.append(Look(range(stop, stop + LOOKS[len(looks)]), keys))
        stop = looks[-1].processes.stop
        pairs = {
            key: (evidence(key, base[i, :stop].tolist()), evidence(key, new[i, :stop].tolist()))
            for i, key in enumerate(KEYS)
        }
        keys = suspects(pairs, RULE, looks)
    found = judge(pairs, RULE, looks)
    return [found[key].verdict for key in KEYS], len(looks)


def count(draw, shifts, suites, seed=7, drift=0.0):
    """In how many comparisons each case is called slower or faster: [suites, cases] of words."""
    rng = np.random.default_rng(seed)
    return np.array([simulate(rng, draw, shifts, drift)[0] for _ in range(suites)])


@pytest.mark.parametrize(
    "draw",
    [normal(0.01), normal(0.03), heavy, uneven, bursty],
    ids=["quiet", "noisy", "heavy", "uneven", "bursty"],
)
def test_equal_code_raises_no_alarm(draw):
    words = count(draw, [0.0] * CASES, suites=60)
    assert (words == "slower").sum() == 0
    assert (words == "faster").sum() == 0


def test_a_quiet_machine_calls_equal_code_the_same_at_the_first_look():
    rng = np.random.default_rng(3)
    words, looks = simulate(rng, normal(0.005), [0.0] * CASES)
    assert (set(words), looks) == ({"same"}, 1)


@pytest.mark.slow
def test_at_the_margin_itself_the_chance_of_any_alarm_is_the_level():
    """The hardest null: every case slower by exactly the margin. 1 % of 200 are 2, and 8 have p = 0.001."""
    words = count(normal(0.015), [MARGIN] * CASES, suites=200)
    assert (words == "slower").any(axis=1).sum() < 8


@pytest.mark.parametrize(
    ("sd", "drift", "slowed", "at_least"),
    [(0.01, 0.0, 1, 0.95), (0.02, 0.0, 4, 0.75), (0.01, 0.05, 1, 0.95)],
    ids=["quiet", "noisy", "drifting"],
)
def test_five_percent_are_found(sd, drift, slowed, at_least):
    shifts = [math.log1p(0.05)] * slowed + [0.0] * (CASES - slowed)
    words = count(normal(sd), shifts, suites=40, drift=drift)
    assert (words[:, :slowed] == "slower").any(axis=1).mean() >= at_least
    assert (words[:, slowed:] == "slower").sum() == 0


def test_what_is_called_slower_was_slower_in_processes_of_their_own():
    """A first look that was slower by chance convicts nobody: fresh processes decide alone."""
    base = [0.0, 0.001] * 7
    pairs = {"case0": (evidence("case0", base), evidence("case0", [-0.2, -0.199] * 3 + [0.0, 0.001] * 4))}
    looks = [Look(range(6), frozenset(pairs))]
    assert suspects(pairs, RULE, looks) == {"case0"}
    assert judge(pairs, RULE, looks)["case0"].verdict == "unclear"
    looks.append(Look(range(6, 14), frozenset(pairs)))
    assert judge(pairs, RULE, looks)["case0"].verdict == "same"
    assert suspects(pairs, RULE, looks) == frozenset()


def test_a_case_that_is_not_gated_gets_no_further_look():
    pairs = {"other": (evidence("other", [0.0, 0.01]), evidence("other", [-0.3, -0.31]))}
    assert suspects(pairs, RULE, [Look(range(2), frozenset(pairs))]) == frozenset()


@pytest.mark.parametrize("looks", [[], [Look(range(2), frozenset({"case0"}))]], ids=["one", "several"])
def test_without_times_to_compare_with_nothing_is_the_same(looks):
    whole = evidence("case0", [0.0, 0.001])
    no_ratio, no_time = replace(whole, log_ratio={}), replace(whole, log_ratio={}, log_time={})
    for pair, said in (((no_ratio, no_ratio), "reference has no times"), ((whole, no_time), "only one of")):
        found = judge({"case0": pair}, RULE, looks)["case0"]
        assert (found.verdict, said in found.reason, found.decides) == ("unclear", True, True)
    assert judge({"case0": (no_time, no_time)}, RULE, looks) == {}


def test_two_finished_records_are_one_look():
    slow = (evidence("case0", [0.0, 0.001, 0.002]), evidence("case0", [-0.2, -0.201, -0.202]))
    assert judge({"case0": slow}, RULE, [])["case0"].verdict == "slower"
    assert judge({"case0": slow[::-1]}, RULE, [])["case0"].verdict == "faster"
    # Alone it would be slower; among 24 it is not enough.
    faint = (evidence("case0", [0.0, 0.02, 0.01]), evidence("case0", [-0.055, -0.075, -0.065]))
    others = {key: (evidence(key, [0.0, 0.01, 0.02]),) * 2 for key in KEYS[1:]}
    assert judge({"case0": faint}, RULE, [])["case0"].verdict == "slower"
    found = judge({"case0": faint, **others}, RULE, [])["case0"]
    assert (found.verdict, "not after correction" in found.reason) == ("unclear", True)


def test_the_reason_that_is_said_is_the_true_one():
    pairs = {"case0": (evidence("case0", [0.0, 0.1] * 3), evidence("case0", [-0.05, -0.15, 0.1] * 2))}
    looks = [Look(range(6), frozenset(pairs))]
    assert "--budget" in judge(pairs, RULE, looks, out_of_time=True)["case0"].reason
    assert "after all looks" in judge(pairs, RULE, looks)["case0"].reason
    other = {"other": pairs["case0"]}
    first = [Look(range(6), frozenset(other))]
    assert "only gated" in judge(other, RULE, first, out_of_time=True)["other"].reason
    quick = {"case0": (evidence("case0", [0.0] * 6), evidence("case0", [0.2, 0.0, 0.3, 0.1, 0.0, 0.2]))}
    assert "whether it is faster" in judge(quick, RULE, [Look(range(6), frozenset(quick))])["case0"].reason
    apart = (evidence("case0", [0.0, 0.1]), evidence("case0", [0.0, 0.1]))
    moved = replace(apart[1], log_ratio={5: 0.0}, log_time={5: 0.0}, log_reference={5: 0.0})
    lost = {"case0": (replace(apart[0], log_reference={0: 0.0, 1: 0.0}), moved)}
    assert judge(lost, RULE, [Look(range(6), frozenset(lost))])["case0"].reason == NO_PAIR


def test_what_is_far_beyond_the_margin_is_not_passed_for_want_of_time():
    """A 500-fold slowdown: a few fresh processes are sure of it; without any it is not green."""
    base, slow = [0.0, 0.02, 0.01, 0.0, 0.02] * 2, [-6.2, -6.22, -6.21, -6.25, -6.2] * 2
    pairs = {"case0": (evidence("case0", base), evidence("case0", slow))}
    looks = [Look(range(6), frozenset(pairs))]
    assert far(pairs, RULE, looks) == {"case0"}
    found = judge(pairs, RULE, looks, out_of_time=True)["case0"]
    assert (found.verdict, found.undecided) == ("unclear", True)
    looks.append(Look(range(6, 6 + FEW), frozenset(pairs)))
    assert judge(pairs, RULE, looks, out_of_time=True)["case0"].verdict == "slower"
    near = {"case0": (evidence("case0", base), evidence("case0", [v - 0.05 for v in base]))}
    assert far(near, RULE, looks) == frozenset()
    assert not judge(near, RULE, looks[:1], out_of_time=True)["case0"].undecided


def few(base, new, counts, together=()):
    """The pair `case0` beside the others given, in a plan for few cases, after so many processes a look."""
    pairs = {key: (evidence(key, base), evidence(key, values)) for key, values in new.items()}
    rule = Rule(MARGIN, same_machine=True, gated=frozenset(pairs), together=together)
    looks, stop = begun(pairs), 0
    for count in counts:
        looks.append(Look(range(stop, stop + count), frozenset(pairs)))
        stop += count
    return pairs, rule, looks


def test_few_cases_are_convicted_by_the_first_look_and_many_by_fresh_processes():
    base = [0.0, 0.002, -0.002] * 2
    pairs, rule, looks = few(base, {"case0": [value - 0.2 for value in base]}, [LOOKS[0]])
    assert sizes(looks) == (0, *FEW_LOOKS)
    assert suspects(pairs, rule, looks) == frozenset()
    assert judge(pairs, rule, looks)["case0"].verdict == "slower"
    many = {key: [value - 0.2 for value in base] for key in KEYS[: FEW_CASES + 1]}
    pairs, rule, looks = few(base, many, [LOOKS[0]])
    assert sizes(looks) == LOOKS
    assert suspects(pairs, rule, looks) == frozenset(many)
    assert {one.verdict for one in judge(pairs, rule, looks).values()} == {"unclear"}


def test_of_few_cases_the_first_look_tells_what_is_faster_or_the_same():
    base = [0.0, 0.002, -0.002] * 2
    new = {"case0": [value + 0.2 for value in base], "case1": base}
    pairs, rule, looks = few(base, new, [LOOKS[0]])
    assert suspects(pairs, rule, looks) == frozenset()
    assert {key: one.verdict for key, one in judge(pairs, rule, looks).items()} == {
        "case0": "faster",
        "case1": "same",
    }


def test_a_neuron_of_which_one_case_is_slower_is_not_measured_further():
    base = [0.0, 0.002, -0.002] * 2
    slow, open_ = [value - 0.2 for value in base], [0.1, -0.2, 0.15, -0.1, 0.0, -0.25]
    new = {"case0": slow, "case1": open_, "case2": open_}
    pairs, rule, looks = few(base, new, [LOOKS[0]], together=(frozenset({"case0", "case1"}),))
    assert suspects(pairs, rule, looks) == {"case2"}
    found = judge(pairs, rule, looks)
    assert [found[key].verdict for key in new] == ["slower", "unclear", "unclear"]
    assert found["case1"].reason == SETTLED != found["case2"].reason


def test_few_cases_have_no_more_looks_than_planned():
    noisy = [0.1, -0.1] * 12
    pairs, rule, looks = few(noisy, {"case0": [-value for value in noisy]}, FEW_LOOKS[:2])
    assert suspects(pairs, rule, looks) == {"case0"}
    pairs, rule, looks = few(noisy, {"case0": [-value for value in noisy]}, FEW_LOOKS)
    assert suspects(pairs, rule, looks) == frozenset()
    assert "after all looks" in judge(pairs, rule, looks)["case0"].reason
