"""What two revisions do, told without a clock: by their fingerprints, and by the instructions of a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from psubench.compare.callgrind import Instructions
from psubench.compare.evidence import Evidence
from psubench.records.fingerprint import Fingerprint

SAME_WORK = "operators, Python code, memory, libraries, settings and results are equal"
MARGIN = 0.03
"""Share of instructions more from which on a case does more work."""
SAME = 0.003
"""Share of instructions, more or fewer, that means nothing."""
MEMORY, MEMORY_BYTES = 0.05, 4096
"""Share and number of bytes more from which on a case takes more memory."""
MOST_OPERATORS = 3
_PARTS = {
    "operators": "operators have other shapes, strides or scalars",
    "python": "other Python code",
    "values": "other values in the module or its file",
    "libraries": "another C++ library",
    "settings": "other settings of the process",
    "input": "another input",
    "output": "other results",
}
"""What a differing digest means where no count differs."""


@dataclass(frozen=True)
class Counts:
    """Instructions of the cases whose fingerprints differ.

    Attributes:
        found: by key, those of a call of base and of new.
        margin: share of instructions more from which on a case does more work.
    """

    found: Mapping[str, tuple[Instructions, Instructions]]
    margin: float

    def change(self, key: str) -> float | None:
        """The share by which the instructions of a case have changed; None if they were not counted."""
        if key not in self.found:
            return None
        base, new = self.found[key]
        return new.core / base.core - 1


UNCOUNTED = Counts({}, MARGIN)


def verdict(base: Evidence, new: Evidence, counts: Counts) -> tuple[str, str] | None:
    """Verdict and reason of a case that needs no clock; None if time has to decide.

    So it does wherever the signs disagree, and wherever work has become less: fewer instructions need not be
    faster ones.
    """
    if is_identical(base, new):
        return "identical", SAME_WORK
    found = _counted(base, new)
    if found is None or not is_countable(base, new):
        return None
    before, after = found
    change, memory = counts.change(new.key), _memory(before, after)
    signs = {*memory, *(_sign(change, counts.margin) if change is not None else ())}
    if signs == {1}:
        if change is not None and change >= counts.margin:
            return "more work", f"it executes at least {100 * counts.margin:.3g} % more instructions"
        return "more memory", f"its tensors take at least {100 * MEMORY:g} % and {MEMORY_BYTES} bytes more"
    if not signs and new.key in counts.found and _is_python_alone(before, after):
        old, now = counts.found[new.key]
        little = abs(now.core / old.core - 1) < SAME and abs(now.every / old.every - 1) < counts.margin
        if little and old.system_calls == now.system_calls:
            return (
                "same work",
                f"less than {100 * SAME:g} % of the instructions differ, and nothing but Python",
            )
    return None


def is_countable(base: Evidence, new: Evidence) -> bool:
    """Whether a count may decide: not on C++, settings or what measures; and nothing may be unknown."""
    found = _counted(base, new)
    equal = ("libraries", "settings", "input")
    return found is not None and _are_equal(*found, equal)


def _counted(base: Evidence, new: Evidence) -> tuple[Fingerprint, Fingerprint] | None:
    """Both fingerprints, if nothing in them is unknown and the same code has counted them."""
    before, after = base.work, new.work
    if before is None or after is None or base.key != new.key or before.uncounted or after.uncounted:
        return None
    known = base.measured_by is not None and base.measured_by == new.measured_by
    return (before, after) if known else None


def _are_equal(before: Fingerprint, after: Fingerprint, digests: Sequence[str]) -> bool:
    return all(getattr(before.digests, one) == getattr(after.digests, one) for one in digests)


def _memory(before: Fingerprint, after: Fingerprint) -> Iterator[int]:
    """1 for what takes clearly more, -1 for what takes clearly less."""
    for name in ("allocated_bytes", "peak_bytes"):
        old, now = getattr(before, name), getattr(after, name)
        if abs(now - old) >= max(MEMORY_BYTES, MEMORY * min(old, now)):
            yield 1 if now > old else -1


def _sign(change: float, margin: float) -> Iterator[int]:
    if abs(change) >= margin:
        yield 1 if change > 0 else -1


def _is_python_alone(before: Fingerprint, after: Fingerprint) -> bool:
    """Whether nothing but the Python code differs, and the values that it reads."""
    return _are_equal(before, after, ("operators", "allocations", "output"))


def is_identical(base: Evidence, new: Evidence) -> bool:
    """Whether everything that was counted is equal and nothing could not be counted."""
    found = _counted(base, new)
    return found is not None and found[0] == found[1]


def change(base: Evidence, new: Evidence, counts: Counts = UNCOUNTED) -> str:
    """`+13.4 % instructions, +16 _local_scalar_dense`: what differs, or could not be counted; or empty."""
    before, after = base.work, new.work
    if before is None or after is None:
        return ""
    uncounted = list(dict.fromkeys([*before.uncounted, *after.uncounted]))
    told = [*_counts(before, after)] or [*_parts(before, after)]
    if (share := counts.change(new.key)) is not None:
        told.insert(0, f"{100 * share:+.1f} % instructions")
    if uncounted:
        told.append(f"not all counted: {'; '.join(uncounted)}")
    if not told and base.measured_by != new.measured_by:
        told.append("the code that measures has changed")
    return ", ".join(told)


def _counts(before: Fingerprint, after: Fingerprint) -> Iterator[str]:
    names = {**before.operators, **after.operators}
    differences = {name: after.operators.get(name, 0) - before.operators.get(name, 0) for name in names}
    found = sorted(
        (name for name in names if differences[name]), key=lambda name: (-abs(differences[name]), name)
    )
    yield from (f"{differences[name]:+d} {name}" for name in found[:MOST_OPERATORS])
    if len(found) > MOST_OPERATORS:
        yield f"{len(found) - MOST_OPERATORS} more operators"
    for field, word in (("allocated_bytes", "bytes"), ("peak_bytes", "at the peak")):
        old, now = getattr(before, field), getattr(after, field)
        if old != now:
            share = 100 * (now - old) / old if old else 0.0
            small = abs(share) < 0.1
            yield f"{now - old:+d} {word}" if small else f"{share:+.{1 if abs(share) < 10 else 0}f} % {word}"
    if before.functions != after.functions:
        yield f"{after.functions - before.functions:+d} Python calls"
    if before.bytecodes != after.bytecodes:
        yield f"{after.bytecodes - before.bytecodes:+d} bytecodes"


def _parts(before: Fingerprint, after: Fingerprint) -> Iterator[str]:
    for name, text in _PARTS.items():
        if getattr(before.digests, name) != getattr(after.digests, name):
            yield text
