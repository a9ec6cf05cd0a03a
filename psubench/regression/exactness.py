"""What is compared without statistics: exact values of a case, and the environments of two records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psubench.analyse import Record
from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.regression.evidence import UNKNOWN, Evidence

_OF_THE_CODE = ("psubench",)
"""Entries of the environment that may differ: they are what is compared."""
_ROUNDED = ("spike_hash", "spikes")
"""On another processor or torch a spike within rounding of the threshold may fall the other way."""
_TIE_SHARE = 1e-3
_MEMORY_SHARE = 0.01


def machines(base: Sequence[Record], new: Sequence[Record]) -> list[str]:
    """Sentences that must be said about two records whose environments differ; none if they are equal.

    Raises:
        PsubenchError: they were made from another seed, so their input differs, or one of them holds runs
            that do not belong together.
    """
    before, after = (_header(name, records) for name, records in (("base", base), ("new", new)))
    seeds = before.get("seed"), after.get("seed")
    if seeds[0] != seeds[1]:
        raise PsubenchError(
            f"base was measured with seed {seeds[0]}, new with {seeds[1]}: their inputs differ",
            "measure one of them again with --seed",
            NOT_COMPARABLE,
        )
    differ = _apart(before, after)
    if not differ:
        return []
    return [
        f"Another machine or other software ({'; '.join(differ)}): ratios to the reference are compared "
        "within a wider margin, absolute times and exact spike positions are not."
    ]


def _header(name: str, records: Sequence[Record]) -> Record:
    """The last header of a record, which the others must agree with."""
    headers = [record for record in records if record["type"] == "run"]
    last = headers[-1]
    for one in headers[:-1]:
        differ = _apart(one, last)
        if one.get("seed") != last.get("seed"):
            differ = [f"seed {one.get('seed')} and {last.get('seed')}", *differ]
        if differ:
            raise PsubenchError(
                f"{name} holds runs that do not belong together ({'; '.join(differ)})",
                "compare their records one by one",
                NOT_COMPARABLE,
            )
    return last


def _apart(before: Record, after: Record) -> list[str]:
    """What differs between the machines and the software of two runs, in words."""
    return [
        *_differences(before.get("environment", {}), after.get("environment", {})),
        *_differences(before.get("worker_environment", {}), after.get("worker_environment", {})),
    ]


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = [name for name in {**before, **after} if name not in _OF_THE_CODE]
    return [
        f"{name} {before.get(name)} and {after.get(name)}"
        for name in names
        if before.get(name) != after.get(name) and not _nearly_equal(name, before.get(name), after.get(name))
    ]


def _nearly_equal(name: str, before: Any, after: Any) -> bool:
    """Whether two sizes of memory differ by no more than what a kernel keeps for itself from boot to boot."""
    if name != "memory_bytes" or not all(isinstance(one, int) for one in (before, after)):
        return False
    return bool(abs(before - after) <= _MEMORY_SHARE * max(before, after))


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
