"""Whether the runs in one record belong together: one machine, the same code, and no run twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psubench.records.measured import Block, Energy
from psubench.records.outcomes import Outcome
from psubench.records.run import Run
from psubench.records.selftest import Suite
from psubench.records.structs import Record

_SAME = ("psubench", "seed", "environment")
_SAME_WHERE_BOTH: Mapping[str, str] = {"plugins": "the plug-in", "checkpoints": "the weights in"}
_PAIRED = (Block, Energy)
"""Records in which a reference is measured again beside every case that is resumed."""
_MEMORY_SHARE = 0.01  # the memory of one machine differs by this much from boot to boot


def difference(before: Run, now: Run) -> tuple[str, Any, Any] | None:
    """The first difference between two runs: its name and both values; None if there is none."""
    found = [_unequal(what, getattr(before, what), getattr(now, what)) for what in _SAME]
    for what, name in _SAME_WHERE_BOTH.items():
        found.append(_where_both(name, getattr(before, what), getattr(now, what)))
    weights = [header.settings.get("checkpoint") for header in (before, now)]
    found.append(_unequal("the weights of", *weights))
    found.append(_where_both("the reference of case", _references(before), _references(now)))
    return next((one for one in found if one is not None), None)


def _unequal(what: str, before: Any, now: Any) -> tuple[str, Any, Any] | None:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        names = sorted(before.keys() | now.keys())
        parts = (_unequal(f"{what} {name}", before.get(name), now.get(name)) for name in names)
        return next((part for part in parts if part is not None), None)
    if what.endswith(" memory_bytes") and same_memory(before, now):
        return None
    return (what, before, now) if before != now else None


def same_memory(before: Any, now: Any) -> bool:
    """Whether two sizes in bytes differ by no more than what a kernel keeps for itself from boot to boot."""
    known = isinstance(before, int) and isinstance(now, int)
    return known and abs(before - now) <= _MEMORY_SHARE * max(before, now)


def _where_both(what: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, Any, Any] | None:
    both = sorted(before.keys() & now.keys())
    return _unequal(what, {name: before[name] for name in both}, {name: now[name] for name in both})


def _references(header: Run) -> dict[str, str | None]:
    return {planned.key: planned.reference for planned in header.cases}


def disagreement(records: Sequence[Record]) -> tuple[int, str] | None:
    """The first record that cannot belong to the same run as those before it, and why; None if all do."""
    first: Run | None = None
    references: set[str] = set()
    seen: set[tuple[type[Record], str, Any]] = set()
    for number, one in enumerate(records):
        if isinstance(one, Run):
            apart = difference(first, one) if first is not None else None
            if apart is not None:
                return number, f"{apart[0]} was {apart[1]!r:.60} before, and is {apart[2]!r:.60} here"
            first = one if first is None else first
            references = {key for key, of in _references(one).items() if key == of}
            continue
        for key in _measured(one, references):
            place = (type(one), key, getattr(one, "process", None))
            if place in seen:
                return number, f"case {key} was measured before, in the same process"
            seen.add(place)
    return None


def _measured(record: Record, references: set[str]) -> Iterable[str]:
    if isinstance(record, Suite):  # of a self-test: verdicts, which each of its suites gives anew
        return ()
    again = references if isinstance(record, _PAIRED) else set()
    outcomes = [one for one in getattr(record, "cases", ()) if isinstance(one, Outcome)]
    return [one.key for one in outcomes if one.status == "ok" and one.key not in again]
