"""The verdict on a case's time, from one look at two finished records; `looks` has those of `compare --git`.

H0 "slower by at most the margin" per case, Holm over the gated cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from psubench.compare.evidence import Evidence, Pair
from psubench.stats.changes import Change, holm, welch

ALPHA = 0.01
"""Probability that a comparison calls any gated case slower although it is slower by at most the margin.

It holds however noisy the machine is. On a quiet one, where the margin is many standard errors wide,
equal code is called slower far more rarely still.
"""
NO_REFERENCE = "its reference has no times"

Pairs = Mapping[str, Pair]


@dataclass(frozen=True)
class Rule:
    """What is tested.

    Attributes:
        margin: log ratio up to which a change is ignored.
        same_machine: whether absolute times may be compared.
        gated: keys over which false alarms are bounded.
        together: keys of which one that is slower decides for all: a family with its members.
        changed: keys whose exact values differ, or those of a member: no time has to decide on them.
    """

    margin: float
    same_machine: bool
    gated: frozenset[str]
    together: tuple[frozenset[str], ...] = ()
    changed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Timing:
    """The verdict on a time.

    Attributes:
        processes: sampling units of base and of new.
        decides: False if nothing could have been decided, however much was measured.
        undecided: whether it is far beyond the margin and only time was lacking to call it slower.
    """

    verdict: str
    reason: str
    change: Change | None
    processes: tuple[int, int]
    decides: bool = True
    undecided: bool = False


def at_once(timed: Pairs, rule: Rule) -> dict[str, Timing]:
    """Verdicts on two finished records, by key."""
    changes = {
        key: welch(list(b.log_ratio.values()), list(n.log_ratio.values()), rule.margin)
        for key, (b, n) in timed.items()
        if b.log_ratio and n.log_ratio and not n.is_reference
    }
    slower, faster = (fallen(changes, rule, side) for side in (p_slower, p_faster))
    found = {
        key: _timing(change, timed[key], rule.margin, slower=key in slower, faster=key in faster)
        for key, change in changes.items()
    }
    beside: dict[str | None, list[Change]] = {}
    for key, change in changes.items():
        beside.setdefault(timed[key][1].reference, []).append(change)
    return {key: found.get(key) or _reference(timed[key], beside.get(key, []), rule) for key in timed}


def p_slower(change: Change) -> float:
    """Of "the change is at most the margin"."""
    return change.p_slower


def p_faster(change: Change) -> float:
    """Of "it is not faster by more than the margin"."""
    return change.p_faster


def fallen(
    changes: Mapping[str, Change], rule: Rule, p: Callable[[Change], float], alpha: float = ALPHA
) -> set[str]:
    """Keys whose null hypothesis is rejected; each case that is not gated is tested on its own."""
    family = [key for key in changes if key in rule.gated]
    fallen = {
        key for key, falls in zip(family, holm([p(changes[k]) for k in family], alpha), strict=True) if falls
    }
    return fallen | {key for key in changes if key not in rule.gated and p(changes[key]) <= alpha}


def _timing(change: Change, pair: Pair, margin: float, *, slower: bool, faster: bool) -> Timing:
    processes = (len(pair[0].log_ratio), len(pair[1].log_ratio))
    return Timing(*_word(change, margin, slower=slower, faster=faster), change, processes)


def _word(change: Change, margin: float, *, slower: bool, faster: bool) -> tuple[str, str]:
    """Verdict and reason of two finished records."""
    if change.low is None or change.high is None:
        return "unclear", "an interval needs two processes on each side (--processes)"
    if change.low > margin or change.high < -margin:
        alone = min(change.p_slower, change.p_faster) <= ALPHA
        why = (
            "but not after correction for all gated cases"
            if alone
            else f"but not at the level of {100 * ALPHA:g} %"
        )
        why = f"beyond the margin by itself, {why}"
    else:
        why = "the interval is too wide for the margin; more processes would narrow it"
    return decided(change, margin, slower=slower, faster=faster) or ("unclear", why)


def decided(change: Change, margin: float, *, slower: bool, faster: bool) -> tuple[str, str] | None:
    """Verdict and reason; None if the case is unclear."""
    if slower:
        return "slower", "beyond the margin"
    if faster:
        return "faster", "beyond the margin"
    return ("same", "the interval lies inside the margin") if change.within(margin) else None


def _reference(pair: Pair, others: Sequence[Change], rule: Rule) -> Timing:
    """The verdict on the reference: its ratio to itself cannot show a change of its own.

    It is called slower only if two things agree: its seconds, on the same machine, and every case of its
    block seeming faster. Either alone can have other causes: a slower machine, faster neurons.

    Args:
        others: changes of the cases that are measured against it.
    """
    base, new = pair
    processes = (len(base.log_time), len(new.log_time))
    if not new.is_reference:
        return Timing("unclear", NO_REFERENCE, None, processes)
    if not rule.same_machine:
        reason = "the others are measured against it: from another machine its own change cannot be seen"
        return Timing("unclear", reason, None, processes, decides=False)
    change = welch(_negative(base), _negative(new), rule.margin)
    # All of them must be rejected, so the largest p counts; Bonferroni over the gated cases.
    p = max([change.p_slower, *(other.p_faster for other in others)]) if others else 1.0
    if p <= ALPHA / max(1, len(rule.gated)):
        reason = "its seconds rose and all neurons measured against it seem faster"
        return Timing("slower", reason, change, processes)
    if change.within(rule.margin):
        return Timing("same", "by its seconds: the others are measured against it", change, processes)
    reason = "the others are measured against it, and its seconds alone (another hour) decide nothing"
    return Timing("unclear", reason, change, processes, decides=False)


def _negative(one: Evidence) -> list[float]:
    return [-value for value in one.log_time.values()]
