"""The verdict on a case's time: one look at two finished records, or the looks of `compare --git`.

One look: H0 "slower by at most the margin" per case, Holm over the gated cases.

Several looks: the first only clears cases whose interval rules a slowdown out. What it has not cleared is
measured again in fresh processes, and those alone decide, with Holm over what was left: so the first look
costs no level, and what it found by chance is forgotten. Up to FRESH_LOOKS looks at fresh processes share
the level equally (Bonferroni), so looking twice does not inflate the error rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from psubench.compare.evidence import Evidence, Pair
from psubench.stats.changes import Change, holm, paired, welch

ALPHA = 0.01
"""Probability that a comparison calls any gated case slower although it is slower by at most the margin.

It holds however noisy the machine is. On a quiet one, where the margin is many standard errors wide,
equal code is called slower far more rarely still.
"""
NOMINAL = 0.007
"""The level at which the looks test, to keep ALPHA: trimmed means of normal noise exceed it up to 1.42 times
(2,000,000 draws of 6 to 28 pairs at 0.4, 0.04 and 0.02 %; the most with 10 pairs, 1.08 with 28)."""
LOOKS = (6, 8, 20)
"""Processes per side in each look: at all cases, at those not cleared by it, at those still unclear."""
FRESH_LOOKS = len(LOOKS) - 1
NO_REFERENCE = "its reference has no times"
DISTURBED = "the machine was disturbed in every pair of processes"
NO_PAIR = "no process has measured it on both sides"
LATE = "--budget ended before it was timed on both sides"
FAR = 3.0
"""Multiple of the margin beyond which an effect, with its whole interval, must not pass for lack of time."""

Pairs = Mapping[str, Pair]


@dataclass(frozen=True)
class Look:
    """Processes of both sides that were measured to decide on some cases.

    Attributes:
        processes: their numbers, equal in both records.
        keys: cases that were measured; the first look has all.
    """

    processes: range
    keys: frozenset[str]


@dataclass(frozen=True)
class Rule:
    """What is tested.

    Attributes:
        margin: log ratio up to which a change is ignored.
        same_machine: whether absolute times may be compared.
        gated: keys over which false alarms are bounded.
    """

    margin: float
    same_machine: bool
    gated: frozenset[str]


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
        **(_over_looks(timed, rule, looks, out_of_time=out_of_time) if looks else _at_once(timed, rule)),
    }


def _at_once(timed: Pairs, rule: Rule) -> dict[str, Timing]:
    changes = {
        key: welch(list(b.log_ratio.values()), list(n.log_ratio.values()), rule.margin)
        for key, (b, n) in timed.items()
        if b.log_ratio and n.log_ratio and not n.is_reference
    }
    slower, faster = (_fallen(changes, rule, side) for side in (_p_slower, _p_faster))
    found = {
        key: _timing(change, timed[key], rule.margin, slower=key in slower, faster=key in faster)
        for key, change in changes.items()
    }
    beside: dict[str | None, list[Change]] = {}
    for key, change in changes.items():
        beside.setdefault(timed[key][1].reference, []).append(change)
    return {key: found.get(key) or _reference(timed[key], beside.get(key, []), rule) for key in timed}


def _p_slower(change: Change) -> float:
    return change.p_slower


def _p_faster(change: Change) -> float:
    return change.p_faster


def _fallen(
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
    return _decided(change, margin, slower=slower, faster=faster) or ("unclear", why)


def _decided(change: Change, margin: float, *, slower: bool, faster: bool) -> tuple[str, str] | None:
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


def _over_looks(timed: Pairs, rule: Rule, looks: Sequence[Look], *, out_of_time: bool) -> dict[str, Timing]:
    first = _at(timed, looks[:1], rule.margin)
    fresh = (
        _at({k: timed[k] for k in looks[1].keys if k in timed}, looks[1:], rule.margin) if looks[1:] else {}
    )
    slower: set[str] = set()
    for count in range(2, len(looks) + 1):
        seen = _at({key: timed[key] for key in fresh}, looks[1:count], rule.margin)
        slower |= _fallen(seen, rule, _p_slower, NOMINAL / FRESH_LOOKS)
    # Nothing is at stake when a case becomes faster: the first look decides.
    faster = _fallen(first, rule, _p_faster, NOMINAL)
    found = {key: _without_pairs(pair) for key, pair in timed.items()}
    for key in first.keys() | fresh.keys():
        change = fresh[key] if key in fresh else first[key]
        count = len(_differences(timed[key], looks[1:] if key in fresh else looks[:1]))
        decided = _decided(
            change, rule.margin, slower=key in slower, faster=key in faster and key not in fresh
        )
        if decided:
            found[key] = Timing(*decided, change, (count, count))
            continue
        why = _undecided(change, rule.margin, gated=key in rule.gated, out_of_time=out_of_time)
        passed_over = out_of_time and key in rule.gated and _is_far(first.get(key), rule.margin)
        open_ = passed_over and _open(change, rule.margin)
        found[key] = Timing("unclear", why, change, (count, count), undecided=open_)
    return found


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
    """Gated cases that need more processes: no look so far has cleared them or called them slower."""
    if len(looks) > FRESH_LOOKS:
        return frozenset()
    timings = _over_looks(pairs, rule, looks, out_of_time=False)
    return frozenset(
        key
        for key, timing in timings.items()
        if key in rule.gated
        and (len(looks) == 1 or key in looks[-1].keys)
        and timing.verdict != "slower"
        and (timing.reason == DISTURBED or _open(timing.change, rule.margin))
    )


def _open(change: Change | None, margin: float) -> bool:
    """Whether a slowdown beyond the margin is not ruled out so far."""
    return change is not None and not change.not_slower(margin)


def far(pairs: Pairs, rule: Rule, looks: Sequence[Look]) -> frozenset[str]:
    """Cases that the first look has seen far beyond the margin."""
    first = _at(pairs, looks[:1], rule.margin)
    return frozenset(key for key, change in first.items() if _is_far(change, rule.margin))


def _is_far(change: Change | None, margin: float) -> bool:
    return change is not None and change.low is not None and change.low > FAR * margin
