"""Two records to verdicts, and verdicts to an exit code. Pure: no clock, no file, no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from psubench import errors
from psubench.compare import exact
from psubench.compare.decide import Look, Rule, Timing, judge
from psubench.compare.evidence import Evidence, Pair, evidence
from psubench.compare.families import Pool, pools
from psubench.compare.outliers import undisturbed
from psubench.errors import PsubenchError
from psubench.records.structs import Record
from psubench.stats.changes import Change

ORDER = (
    "slower", "changed", "failed", "not comparable", "missing", "unclear", "faster", "new", "same",
)  # fmt: skip
"""Every verdict, worst first."""
_EXIT = {
    "slower": errors.REGRESSION,
    "changed": errors.REGRESSION,
    "failed": errors.CASE_FAILED,
    "not comparable": errors.NOT_COMPARABLE,
}
_STRICT = ("unclear", "missing")
_CARRIED = ("device", "dtype")
CPU_MARGIN, GPU_MARGIN = 0.03, 0.02
WIDER = 3.0
"""Times the margin between two machines: there the ratio of a loop to a product is not the same."""


@dataclass(frozen=True)
class Verdict:
    """What became of one case.

    Attributes:
        name: the case in words, which `--gate` patterns are matched with.
        change, low, high: relative change of its time with a 90 % interval: +0.05 is 5 % slower. None if
            unknown.
        base_processes, new_processes: sampling units that the interval rests on.
        gated: whether the exit code depends on it.
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


@dataclass(frozen=True)
class Comparison:
    """Verdicts, worst first, and what must be said with them.

    Attributes:
        margin: what was tested, as a relative change.
        notes: sentences about the records as a whole.
    """

    verdicts: tuple[Verdict, ...]
    margin: float
    notes: tuple[str, ...]

    def exit_code(self, *, strict: bool) -> int:
        """1 for a regression, else 4 for a failed case, 5 for one not comparable, 3 if strict and unclear."""
        words = {verdict.verdict for verdict in self.verdicts if verdict.gated}
        for word in ORDER:
            if word in words and (word in _EXIT or (strict and word in _STRICT)):
                return _EXIT.get(word, errors.UNCLEAR)
        return 0


@dataclass(frozen=True)
class Match:
    """The cases of two records side by side, and what is to be tested.

    Attributes:
        pairs: by key; None where a record lacks the case.
        pools: by key, the neurons with several cases, if they are tested as a whole.
        margin: as a relative change.
        notes: what must be said about the records as a whole.
    """

    pairs: Mapping[str, tuple[Evidence | None, Evidence | None]]
    pools: Mapping[str, Pool]
    rule: Rule
    margin: float
    notes: tuple[str, ...]

    @property
    def tested(self) -> dict[str, Pair]:
        """Cases that both records have and that failed in neither, and the pools."""
        return {**_both_ok(self.pairs), **{key: pool.pair for key, pool in self.pools.items()}}

    def cases_of(self, keys: Iterable[str]) -> list[Evidence]:
        """Of the new side, in the order of the plan: the cases themselves and the members of the pools."""
        wanted = {
            member for key in keys for member in (self.pools[key].members if key in self.pools else [key])
        }
        return [new for key, (_, new) in self.pairs.items() if key in wanted and new is not None]


def compare(
    base: Sequence[Record],
    new: Sequence[Record],
    margin: float | None = None,
    gate: Sequence[str] = ("*",),
    looks: Sequence[Look] = (),
) -> Comparison:
    """Verdicts on the cases of `new` against those of `base`.

    Args:
        base, new: records as `psubench.records.recorder.read` gives them.
        margin: relative change that counts as none; 3 % on a CPU and 2 % on a GPU by default.
        gate: patterns of `fnmatch`; a case whose name fits none cannot fail the comparison.
        looks: how the processes were measured, if in turns on one machine (`compare --git`): then the
            reference is a yardstick that both sides share, and no case of its own.

    Raises:
        PsubenchError: nothing in the two can be compared.
    """
    found = match(base, new, margin, gate, turns=[look.processes for look in looks])
    timings = judge(found.tested, found.rule, looks)
    verdicts = [
        _verdict(pair, timings.get(key), found.rule, gated=key in found.rule.gated)
        for key, pair in {**found.pairs, **found.tested}.items()
    ]
    verdicts.sort(key=lambda verdict: (ORDER.index(verdict.verdict), -(verdict.change or 0.0)))
    return Comparison(tuple(verdicts), found.margin, found.notes)


def match(
    base: Sequence[Record],
    new: Sequence[Record],
    margin: float | None,
    gate: Sequence[str],
    *,
    turns: Sequence[range],
) -> Match:
    """What `compare` compares; arguments as there.

    Args:
        turns: of looks, the processes of each: then the reference is a yardstick and no case of its own, and
            all cases of a neuron are tested as a whole as well.
    """
    before, after = evidence(base), evidence(new)
    notes = exact.machines(base, new)
    if margin is None:
        margin = GPU_MARGIN if any(_on_gpu(one) for one in after.values()) else CPU_MARGIN
    margin *= WIDER if notes else 1.0
    pairs = _pairs(before, after, drop_reference=bool(turns))
    if turns:
        pairs = {**pairs, **undisturbed(_both_ok(pairs), turns)}
    gated = {key for key, (b, n) in pairs.items() if _gated(n or b, gate)}
    pooled = pools(_both_ok(pairs)) if turns else {}
    gated |= {key for key, pool in pooled.items() if gated.issuperset(pool.members)}
    return Match(pairs, pooled, Rule(math.log1p(margin), not notes, frozenset(gated)), margin, tuple(notes))


def _both_ok(
    pairs: Mapping[str, tuple[Evidence | None, Evidence | None]],
) -> dict[str, Pair]:
    known = ((key, b, n) for key, (b, n) in pairs.items() if b is not None and n is not None)
    return {key: (b, n) for key, b, n in known if b.status == n.status == "ok"}


def _pairs(
    before: Mapping[str, Evidence], after: Mapping[str, Evidence], *, drop_reference: bool
) -> dict[str, tuple[Evidence | None, Evidence | None]]:
    """Cases of either record by key, side by side."""
    pairs: dict[str, tuple[Evidence | None, Evidence | None]] = {
        key: (before.get(key), one) for key, one in after.items()
    }
    elsewhere = {_place(one.case): key for key, one in after.items() if key not in before}
    for key, one in before.items():
        if key in after:
            continue
        twin = elsewhere.get(_place(one.case))
        if twin is not None:
            pairs[twin] = (one, after[twin])
        else:
            pairs[key] = (one, None)
    pairs = {key: pair for key, pair in pairs.items() if any(one and one.status != "skipped" for one in pair)}
    if drop_reference:
        pairs = {key: pair for key, pair in pairs.items() if not _is_reference(pair)}
    if not any(b is not None and n is not None for b, n in pairs.values()):
        raise PsubenchError(
            "the two records have no case in common",
            "measure both with the same options",
            errors.NOT_COMPARABLE,
        )
    return pairs


def _place(case: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """A case without what may differ between two that are the same but for the hardware or the type."""
    return tuple((name, value) for name, value in sorted(case.items()) if name not in _CARRIED)


def _is_reference(pair: tuple[Evidence | None, Evidence | None]) -> bool:
    return any(one is not None and one.is_reference for one in pair)


def _on_gpu(one: Evidence) -> bool:
    return str(one.case.get("device", "")).startswith("cuda")


def case_name(one: Evidence) -> str:
    """A case in words: `psu train T=32 batch=16 size=256 spoken-digits float32 cpu`."""
    case = one.case
    axes = [f"{axis}={case[axis]}" for axis in ("T", "batch", "size") if axis in case]
    words = [str(case[field]) for field in ("model", "data", "dtype", "device", "mode") if field in case]
    return " ".join([one.label, str(case.get("phase", "")), *axes, *words])


def _gated(one: Evidence | None, gate: Iterable[str]) -> bool:
    assert one is not None
    return any(fnmatchcase(case_name(one), f"*{pattern}*") for pattern in gate)


def _verdict(
    pair: tuple[Evidence | None, Evidence | None], timing: Timing | None, rule: Rule, *, gated: bool
) -> Verdict:
    base, new = pair
    shown = new or base
    assert shown is not None
    word, reason, counts = _words(base, new, timing, rule)
    value, low, high = _relative(timing.change if timing is not None else None)
    return Verdict(
        key=shown.key,
        name=case_name(shown),
        label=shown.label,
        case=shown.case,
        verdict=word,
        reason=reason,
        change=value,
        low=low,
        high=high,
        base_processes=timing.processes[0] if timing else 0,
        new_processes=timing.processes[1] if timing else 0,
        gated=gated and counts,
    )


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
        differ = [name for name in _CARRIED if base.case[name] != new.case[name]]
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
        if base.exact.keys() & new.exact.keys() <= {"status"}:
            return "unclear", "it has neither times nor exact values", False
        return "same", "exact values are equal; there are no times", True
    return timing.verdict, timing.reason, timing.decides
