"""From planned cases and their outcomes to one entry per case, for runs that measure every case once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from psubench.records.counted import Activity
from psubench.records.outcomes import labelled
from psubench.records.profiled import Profiled
from psubench.records.run import Planned, Run
from psubench.records.structs import Record

E = TypeVar("E", bound=Struct)
R = TypeVar("R", Activity, Profiled)


def folded(
    records: Sequence[Record],
    kind: type[R],
    planned: Callable[[Planned, str], E],
    told: Callable[[Any, R], Mapping[str, Any]],
) -> list[E]:
    """One entry per planned case, in the order of the plan, with its first outcome that is ok, else its last.

    Args:
        kind: of the records that have outcomes.
        planned: the entry of a case without an outcome, in the run of that id.
        told: what an outcome and its record say of an entry, by field; label and run id are filled in here.
    """
    found: dict[str, Any] = {}
    run_id = ""
    for record in records:
        if isinstance(record, Run):
            run_id = record.run_id
            for case in record.cases:
                found.setdefault(case.key, planned(case, run_id))
        elif isinstance(record, kind):
            for outcome in record.cases:
                before = found.get(outcome.key)
                if before is not None and before.status != "ok":
                    label = labelled(before.label, outcome.output)
                    found[outcome.key] = replace(before, run_id=run_id, label=label, **told(outcome, record))
    return list(found.values())
