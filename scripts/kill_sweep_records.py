"""What records tell about a command that is killed: whether it is at work, and what it has measured."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from psubench.compare.evidence import evidence
from psubench.records.run import End, Run
from psubench.records.selftest import Suite
from psubench.records.structs import Record
from psubench.records.trained import Epoch, Trained


def works(place: Path, record: Path | None, size: int) -> bool:
    """Whether a worker calls a neuron, or a training has told of an epoch since the record had that size."""
    for status in place.glob("psubench-*/status"):
        if read(status):
            return True
    return record is not None and read(record)[size:].count(b"\n") > 1


def size(record: Path | None) -> int:
    """Bytes of a record."""
    return 0 if record is None else len(read(record))


def ended(record: Path | None) -> bool:
    """Whether all of a run is in its record."""
    last = read(record).rpartition(b"\n")[0].rpartition(b"\n")[2] if record is not None else b""
    return last.startswith(b'{"type":"end"')


def measured(records: list[Record]) -> Counter[tuple]:
    """How often each case was measured in each process, and each epoch trained."""
    found: Counter[tuple] = Counter()
    for one in records:
        if isinstance(one, Epoch | Trained):
            found[type(one), one.key, getattr(one, "epoch", None)] += 1
        elif isinstance(one, Suite):
            found[Suite, one.number, None] += 1
        elif not isinstance(one, Run | End):
            for case in getattr(one, "cases", ()):
                if case.status == "ok":
                    found[type(one), case.key, getattr(one, "process", None)] += 1
    return found


def exact(records: list[Record]) -> dict[str, object]:
    """What must be the same however often a run was killed."""
    cases = {key: (one.status, one.exact) for key, one in evidence(records).items()}
    trained = {one.key: (one.status, one.test) for one in records if isinstance(one, Trained)}
    verdicts = {one.number: one.cases for one in records if isinstance(one, Suite)}
    return {**cases, **trained, **verdicts}


def read(path: Path) -> bytes:
    """What a file holds; nothing where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
