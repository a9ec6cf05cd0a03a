"""Two records to verdicts, and verdicts to an exit code. Pure: no clock, no file, no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psubench import errors
from psubench.compare import exact
from psubench.compare.decide import Rule, Timing
from psubench.compare.evidence import Evidence, Summary
from psubench.compare.gating import ALL, case_name
from psubench.compare.looks import Look, judge
from psubench.compare.pairing import CARRIED, match
from psubench.compare.work import UNCOUNTED, Counts, change
from psubench.stats.changes import Change

ORDER = (
    "slower", "more work", "more memory", "changed", "failed", "not comparable", "missing", "unclear",
    "faster", "new", "same", "same work", "identical",
)  # fmt: skip
"""Every verdict, worst first."""
_EXIT = {
    "slower": errors.REGRESSION,
    "more work": errors.REGRESSION,
    "more memory": errors.REGRESSION,
    "changed": errors.REGRESSION,
    "failed": errors.CASE_FAILED,
    "not comparable": errors.NOT_COMPARABLE,
}
_STRICT = ("unclear", "missing")
_BY_WORK = ("more work", "more memory", "same work", "identical")
_COMPARED = ("slower", "changed", "unclear", "faster", "same", *_BY_WORK)
_BY_TIME = ("slower", "faster")
"""What a clock has found outweighs that a case takes more memory."""
NOTHING = "Nothing was compared: no gated case was measured in both."


@dataclass(frozen=True)
class Verdict:
    """The verdict on one case.

    Attributes:
        name: the case in words, which `--gate` patterns are matched with.
        change, low, high: relative change of its time with a 90 % interval: +0.05 is 5 % slower. None if
            unknown.
        base_processes, new_processes: sampling units that the interval rests on.
        gated: whether the exit code depends on it.
        compared: whether it is gated and something of base was compared with something of new.
        undecided: whether it is far beyond the margin, and only time was lacking to call it slower.
        work: what has changed in the work that it does, in words; empty if nothing is known to have.
    """

    key: str
    name: str
    label: str
    case: Mapping[str, Any]
    verdict: str
    reason: str
    change: float | None
    low: float | None
    high: float | None
    base_processes: int
    new_processes: int
    gated: bool
    compared: bool = True
    undecided: bool = False
    work: str = ""


@dataclass(frozen=True)
class Comparison:
    """Verdicts, worst first, and notes.

    Attributes:
        margin: what was tested, as a relative change.
        notes: sentences about the records as a whole.
    """

    verdicts: tuple[Verdict, ...]
    margin: float
    notes: tuple[str, ...]

    def exit_code(self, *, strict: bool) -> int:
        """1 for a regression, else 4 for a failed case, 5 for one not comparable, 3 if strict and unclear.

        5 if nothing was compared; 3, strict or not, if only time was lacking to call a case slower.
        """
        words = {verdict.verdict for verdict in self.verdicts if verdict.gated}
        for word in ORDER:
            if word in words and word in _EXIT:
                return _EXIT[word]
        if not any(verdict.compared for verdict in self.verdicts):
            return errors.NOT_COMPARABLE
        undecided = any(verdict.undecided for verdict in self.verdicts)
        return errors.UNCLEAR if undecided or (strict and not words.isdisjoint(_STRICT)) else 0


def compare(
    base: Summary,
    new: Summary,
    margin: float | None = None,
    gate: Sequence[str] = ALL,
    looks: Sequence[Look] = (),
    *,
    counts: Counts = UNCOUNTED,
    out_of_time: bool = False,
) -> Comparison:
    """Verdicts on the cases of `new` against those of `base`.

    Args:
        base, new: of their records, as `evidence.summary` gives them.
        margin: relative change that is ignored; 3 % on a CPU and 2 % on a GPU by default.
        gate: patterns of `fnmatch` for whole words; a case whose name matches none cannot fail the
            comparison.
        looks: how the processes were measured, if in turns on one machine (`compare --git`): then the
            reference is fixed work that both sides share, not a case.
        counts: instructions of cases whose fingerprints differ.
        out_of_time: whether there was no time for further looks.

    Raises:
        PsubenchError: nothing in the two can be compared, or a pattern of the gate matches no case.
    """
    found = match(base, new, margin, gate, turns=[look.processes for look in looks], counts=counts)
    timings = judge(found.tested, found.rule, looks, out_of_time=out_of_time)
    for key, told in found.decided.items():
        if key not in timings or told[0] == "identical" or timings[key].verdict not in _BY_TIME:
            timings[key] = Timing(*told, None, (0, 0))
    verdicts = [
        _verdict(pair, timings.get(key), found.rule, counts, gated=key in found.rule.gated)
        for key, pair in {**found.pairs, **found.tested}.items()
    ]
    verdicts.sort(key=lambda verdict: (ORDER.index(verdict.verdict), -(verdict.change or 0.0)))
    nothing = () if any(verdict.compared for verdict in verdicts) else (NOTHING,)
    return Comparison(tuple(verdicts), found.margin, (*found.notes, *nothing))


def _verdict(
    pair: tuple[Evidence | None, Evidence | None],
    timing: Timing | None,
    rule: Rule,
    counts: Counts,
    *,
    gated: bool,
) -> Verdict:
    base, new = pair
    shown = new or base
    assert shown is not None
    word, reason, decides = _words(base, new, timing, rule)
    if base is not None and base.lost and word in _COMPARED:
        reason = f"{reason}; base is {base.lost}"
    value, low, high = _relative(timing.change if timing is not None else None)
    return Verdict(
        key=shown.key,
        name=case_name(shown.label, shown.case),
        label=shown.label,
        case=shown.case,
        verdict=word,
        reason=reason,
        change=value,
        low=low,
        high=high,
        base_processes=timing.processes[0] if timing else 0,
        new_processes=timing.processes[1] if timing else 0,
        gated=gated and decides,
        compared=gated and _is_compared(base, new, word, timing),
        undecided=gated and timing is not None and timing.undecided,
        work=change(base, new, counts) if base is not None and new is not None else "",
    )


def _is_compared(base: Evidence | None, new: Evidence | None, word: str, timing: Timing | None) -> bool:
    if base is None or new is None or word not in (*_COMPARED, "failed"):
        return False
    if new.status != "ok":
        return base.status == "ok"
    timed = timing is not None and timing.change is not None
    return word in _BY_WORK or timed or bool(exact.known_in_both(base, new))


def _relative(change: Change | None) -> tuple[float | None, float | None, float | None]:
    if change is None:
        return None, None, None
    low, high = (None if limit is None else math.expm1(limit) for limit in (change.low, change.high))
    return math.expm1(change.value), low, high


def _words(
    base: Evidence | None, new: Evidence | None, timing: Timing | None, rule: Rule
) -> tuple[str, str, bool]:
    """Verdict, its reason, and whether the exit code may depend on it."""
    if base is None:
        return "new", "base has no such case", False
    if new is None or new.status == "skipped":
        return "missing", f"skipped: {new.message}" if new else "base has it, new does not", True
    if base.status == "skipped":
        return "new", "was skipped in base", False
    if base.key != new.key:
        differ = [name for name in CARRIED if base.case.get(name) != new.case.get(name)]
        pairs = [f"{name} {base.case[name]} against {new.case[name]}" for name in differ]
        return "not comparable", " and ".join(pairs), True
    if new.status != "ok":
        message = f"{new.status}: {new.message or 'no message'}"
        if base.status != "ok":
            return "failed", f"in both records; {message}", False
        return "failed", f"ok in base, now {message}", True
    if base.status != "ok":
        return "new", f"was {base.status} in base", False
    differences = exact.differences(base, new, same_machine=rule.same_machine)
    if differences:
        return "changed", "; ".join(differences), True
    if timing is None:
        if not exact.known_in_both(base, new):
            if base.work is not None and new.work is not None:
                return "unclear", "its work differs, and it was not timed", True
            return "unclear", "it has neither times nor exact values", False
        return "same", "exact values are equal; there are no times", True
    return timing.verdict, timing.reason, timing.decides
