"""Comparison without statistics: exact values of a case, and the environments of two records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psubench.compare.evidence import UNKNOWN, Evidence
from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.records import origins
from psubench.records.run import Run

_OF_THE_CODE = ("psubench",)
"""Entries of the environment that may differ, because they are being compared."""
_ROUNDED = ("spike_hash", "spikes")
"""On another processor or torch a spike within rounding of the threshold may be decided differently."""
_TIE_SHARE = 1e-3


def machines(before: Run, after: Run) -> list[str]:
    """Notes on two runs whose environments differ; none if they are equal.

    Raises:
        PsubenchError: they were made from another seed, so their input differs.
    """
    seeds = before.seed, after.seed
    if seeds[0] != seeds[1]:
        raise PsubenchError(
            f"base was measured with seed {seeds[0]}, new with {seeds[1]}: their inputs differ",
            "measure one of them again with --seed",
            NOT_COMPARABLE,
        )
    differ = [
        *_other_machine(before.environment, after.environment),
        *_differences(before.worker_environment, after.worker_environment),
    ]
    if not differ:
        return []
    return [
        f"Another machine or other software ({'; '.join(differ)}): ratios to the reference are compared "
        "within a wider margin, absolute times and exact spike positions are not."
    ]


def _other_machine(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The differences of two environments; a field that either lacks is unknown.

    An older record lacks fields of a newer one: that does not mean another machine, unless no field is left.
    """
    known = [name for name in before if name in after and name not in _OF_THE_CODE]
    if not known and not {*before, *after}.issubset(_OF_THE_CODE):
        return ["one of the records does not say where it was made"]
    memory = "memory_bytes"
    if memory in known and origins.same_memory(before[memory], after[memory]):
        known.remove(memory)
    return _differences(*({name: one[name] for name in known} for one in (before, after)))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {before.get(name)} and {after.get(name)}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def known_in_both(base: Evidence, new: Evidence) -> list[str]:
    """Names of the exact values that both sides know."""
    common = base.exact.keys() & new.exact.keys()
    return [name for name in sorted(common) if all(one.exact[name] != {UNKNOWN} for one in (base, new))]


def differences(base: Evidence, new: Evidence, *, same_machine: bool) -> list[str]:
    """The exact values that are not equal, in words: known before and unknown now is a difference too."""
    found = []
    for name in base.exact.keys() & new.exact.keys():
        before, after = base.exact[name] - {UNKNOWN}, new.exact[name]
        if not before or after in (before, base.exact[name]):
            continue
        if not same_machine and name in _ROUNDED and UNKNOWN not in after and _nearly(base, new):
            continue
        found.append(f"{name} {_words(before)} is now {_words(after)}")
    return sorted(found)


def _nearly(base: Evidence, new: Evidence) -> bool:
    """Whether the numbers of spikes differ by no more than ties explain."""
    counts = [one.exact.get("spikes", frozenset()) for one in (base, new)]
    if any(len(count) != 1 for count in counts):
        return False
    before, after = (int(next(iter(count))) for count in counts)
    return abs(before - after) <= _TIE_SHARE * max(before, after)


def _words(values: frozenset[str]) -> str:
    return (
        next(iter(values)) if len(values) == 1 else f"{' or '.join(sorted(values))} from process to process"
    )
