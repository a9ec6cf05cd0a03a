"""Whether two revisions do the same work, told without a clock by their fingerprints, and what differs."""

from __future__ import annotations

from collections.abc import Iterator

from psubench.compare.evidence import Evidence
from psubench.records.fingerprint import Fingerprint

SAME_WORK = "operators, Python code, memory, libraries, settings and results are equal"
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


def is_identical(base: Evidence, new: Evidence) -> bool:
    """Whether everything that was counted is equal and nothing could not be counted."""
    before, after = base.work, new.work
    if before is None or after is None or base.key != new.key or before.uncounted or after.uncounted:
        return False
    known = base.measured_by is not None and base.measured_by == new.measured_by
    return known and before == after


def change(base: Evidence, new: Evidence) -> str:
    """`+16 _local_scalar_dense, +3 % bytes`: what differs, or could not be counted; empty if nothing does."""
    before, after = base.work, new.work
    if before is None or after is None:
        return ""
    uncounted = list(dict.fromkeys([*before.uncounted, *after.uncounted]))
    told = [*_counts(before, after)] or [*_parts(before, after)]
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
