"""The verdict on a case's time from the looks of `compare --git`: planned numbers of fresh processes.

Many cases: the first look only clears those whose interval rules a slowdown out. What it has not cleared is
measured again in fresh processes, and those alone decide, with Holm over what was left: so the first look
costs no level, and what it found by chance is forgotten.

Few cases, such as those of one neuron, of which the work has changed: there is little to clear, so every look
decides. The looks that decide share the level equally (Bonferroni): looking again does not inflate the error
rate. How many cases are few does not depend on any time, so neither does the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psubench.compare.decide import (
    NO_REFERENCE,
    Pairs,
    Rule,
    Timing,
    at_once,
    decided,
    fallen,
    p_faster,
    p_slower,
)
from psubench.compare.evidence import Pair
from psubench.stats.changes import Change, paired

NOMINAL = 0.007
"""The level at which the looks test, to keep ALPHA: trimmed means of normal noise exceed it up to 1.42 times
(2,000,000 draws of 6 to 28 pairs at 0.4, 0.04 and 0.02 %; the most with 10 pairs, 1.08 with 28)."""
LOOKS = (6, 8, 20)
"""Processes per side in each look: at all cases, at those not cleared by it, at those still unclear."""
FRESH_LOOKS = len(LOOKS) - 1
FEW_LOOKS = (LOOKS[0], 6, 12)
"""The same where at most `FEW_CASES` are tested, which are counted after the first: its size is the same."""
FEW_CASES = 10
"""Such as two neurons of four cases, and each as a whole. Above, clearing first finds more."""
DISTURBED = "the machine was disturbed in every pair of processes"
NO_PAIR = "no process has measured it on both sides"
LATE = "--budget ended before it was timed on both sides"
FAR = 3.0
"""Multiple of the margin beyond which an effect, with its whole interval, must not pass for lack of time."""
SETTLED = "its neuron is slower or changed already, so it was not measured further"


@dataclass(frozen=True)
class Look:
    """Processes of both sides that were measured to decide on some cases.

    Attributes:
        processes: their numbers, equal in both records.
        keys: cases that were measured; the first look has all.
    """

    processes: range
    keys: frozenset[str]


NO_LOOK = Look(range(0), frozenset())
"""In place of the first look: of few cases none only clears, and of identical ones none is taken."""


def judge(pairs: Pairs, rule: Rule, looks: Sequence[Look], *, out_of_time: bool = False) -> dict[str, Timing]:
    """Verdicts by key; a case that has times in neither record has none.

    Args:
        out_of_time: whether there was no time for further looks.
    """
    timed = {key: (b, n) for key, (b, n) in pairs.items() if b.log_time and n.log_time}
    one_sided = LATE if out_of_time else "only one of the records has times of it"
    silent = {
        key: Timing("unclear", one_sided, None, (len(b.log_time), len(n.log_time)))
        for key, (b, n) in pairs.items()
        if bool(b.log_time) != bool(n.log_time)
    }
    return {
        **silent,
        **(_over_looks(timed, rule, looks, out_of_time=out_of_time) if looks else at_once(timed, rule)),
    }


def sizes(looks: Sequence[Look]) -> tuple[int, ...]:
    """Processes per side of all looks of the plan that these looks belong to, the clearing one first."""
    return LOOKS if not looks or looks[0].processes else (0, *FEW_LOOKS)


def begun(tested: Pairs) -> list[Look]:
    """What comes before the first look, which has measured these cases: if they are few, it decides."""
    return [NO_LOOK] if len(tested) <= FEW_CASES else []


def _first(looks: Sequence[Look]) -> Sequence[Look]:
    """The look at all cases."""
    return looks[:1] if looks[0].processes else looks[1:2]


def _slower(timed: Pairs, rule: Rule, looks: Sequence[Look]) -> set[str]:
    """Keys that a look which decides has called slower."""
    keys = looks[1].keys & timed.keys() if looks[1:] else frozenset[str]()
    level = NOMINAL / (len(sizes(looks)) - 1)
    slower: set[str] = set()
    for count in range(2, len(looks) + 1):
        seen = _at({key: timed[key] for key in keys}, looks[1:count], rule.margin)
        slower |= fallen(seen, rule, p_slower, level)
    return slower


def _over_looks(timed: Pairs, rule: Rule, looks: Sequence[Look], *, out_of_time: bool) -> dict[str, Timing]:
    start = _first(looks)
    first, slower = _at(timed, start, rule.margin), _slower(timed, rule, looks)
    fresh = (
        _at({k: timed[k] for k in looks[1].keys if k in timed}, looks[1:], rule.margin) if looks[1:] else {}
    )
    # Nothing is at stake when a case becomes faster: the first look decides.
    again = frozenset[str]().union(*(look.keys for look in looks if look not in start))
    faster = fallen(first, rule, p_faster, NOMINAL) - again
    settled = _settled(rule, slower)
    found = {key: _without_pairs(pair) for key, pair in timed.items()}
    for key in first.keys() | fresh.keys():
        change = fresh[key] if key in fresh else first[key]
        count = len(_differences(timed[key], looks[1:] if key in fresh else start))
        word = decided(change, rule.margin, slower=key in slower, faster=key in faster)
        if word:
            found[key] = Timing(*word, change, (count, count))
            continue
        why = _undecided(change, rule.margin, gated=key in rule.gated, out_of_time=out_of_time)
        if key in settled and len(looks) < len(sizes(looks)) and _open(change, rule.margin):
            why = SETTLED
        passed_over = out_of_time and key in rule.gated and _is_far(first.get(key), rule.margin)
        open_ = passed_over and _open(change, rule.margin)
        found[key] = Timing("unclear", why, change, (count, count), undecided=open_)
    return found


def _settled(rule: Rule, slower: set[str]) -> frozenset[str]:
    """Keys about which enough is known: changed, or one that belongs together with them is slower."""
    gated = slower & rule.gated
    return rule.changed.union(*(keys for keys in rule.together if not keys.isdisjoint(gated)))


def _undecided(change: Change, margin: float, *, gated: bool, out_of_time: bool) -> str:
    """Why the looks have left a case unclear."""
    if change.not_slower(margin):
        return "not slower by more than the margin; whether it is faster was not tested"
    if not gated:
        return "not cleared by the first look, and only gated cases are measured again"
    if out_of_time:
        return "not cleared, and --budget ended before enough fresh processes could decide"
    if change.low is not None and change.low > margin:
        return "beyond the margin by itself, but not at the level that all suspects share"
    return "after all looks the interval is still too wide for the margin"


def _without_pairs(pair: Pair) -> Timing:
    base, new = pair
    if not (base.log_reference and new.log_reference):
        return Timing("unclear", NO_REFERENCE, None, (0, 0))
    together = base.log_time.keys() & new.log_time.keys()
    return Timing("unclear", DISTURBED if together else NO_PAIR, None, (0, 0))


def _at(timed: Pairs, looks: Sequence[Look], margin: float) -> dict[str, Change]:
    """Changes by the processes of these looks alone."""
    found = {key: _differences(pair, looks) for key, pair in timed.items()}
    return {key: paired(values, margin) for key, values in found.items() if values}


def _differences(pair: Pair, looks: Sequence[Look]) -> list[float]:
    """log(t_new / t_base) of every pair of processes that were measured one after the other."""
    base, new = (one.log_ratio for one in pair)
    return [base[p] - new[p] for look in looks for p in look.processes if p in base and p in new]


def suspects(pairs: Pairs, rule: Rule, looks: Sequence[Look]) -> frozenset[str]:
    """Gated cases that need more processes: no look so far has cleared them or called their neuron slower."""
    if len(looks) >= len(sizes(looks)):
        return frozenset()
    timings = _over_looks(pairs, rule, looks, out_of_time=False)
    settled = _settled(rule, {key for key, timing in timings.items() if timing.verdict == "slower"})
    return frozenset(
        key
        for key, timing in timings.items()
        if key in rule.gated & looks[-1].keys - settled
        and timing.verdict != "slower"
        and (timing.reason == DISTURBED or _open(timing.change, rule.margin))
    )


def _open(change: Change | None, margin: float) -> bool:
    """Whether a slowdown beyond the margin is not ruled out so far."""
    return change is not None and not change.not_slower(margin)


def far(pairs: Pairs, rule: Rule, looks: Sequence[Look]) -> frozenset[str]:
    """Cases that the first look has seen far beyond the margin."""
    first = _at(pairs, _first(looks), rule.margin)
    return frozenset(key for key, change in first.items() if _is_far(change, rule.margin))


def _is_far(change: Change | None, margin: float) -> bool:
    return change is not None and change.low is not None and change.low > FAR * margin
