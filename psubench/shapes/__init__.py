"""What each type of record must hold so that it can be read: fields, ranges, and what fits together.

It is what a reader relies on, not all that is written. A type or a kind that is not in the tables is
checked no further than its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psubench.shapes.counted import ACTIVITY
from psubench.shapes.language import Check, ShapeError
from psubench.shapes.measured import AGAIN, BLOCK, ENERGY, IDLE, MEMORY
from psubench.shapes.profiled import PROFILE
from psubench.shapes.runs import RUN
from psubench.shapes.trained import END, EPOCH

__all__ = ["AGAIN", "IDLE", "disagreement", "problem"]

_RECORDS: Mapping[str, Check] = {
    "run": RUN,
    "block": BLOCK,
    "energy": ENERGY,
    "memory": MEMORY,
    "activity": ACTIVITY,
    "profile": PROFILE,
    "training": EPOCH,
    "trained": END,
}


def problem(record: Mapping[str, Any]) -> str | None:
    """What is wrong with one record, and where in it; None if it can be read."""
    check = _RECORDS.get(record["type"])
    try:
        if check is not None:
            check(record, "")
    except ShapeError as error:
        return str(error)
    return None


def disagreement(records: Sequence[Mapping[str, Any]]) -> tuple[int, str] | None:
    """The place of a record that does not fit to those before it, and why; None if all can be read together.

    Args:
        records: without a `problem` of their own.
    """
    kind: str | None = None
    maps: dict[str, Any] = {}
    for place, record in enumerate(records):
        if record["type"] == "run" and record["cases"]:
            found = record["cases"][0]["case"]["kind"]
            if kind not in (None, found):
                return place, f"cases are of kind {found} instead of {kind}"
            kind = found
        elif record["type"] == "activity":
            # A figure has a column per channel and a row per neuron.
            for outcome in (one for one in record["cases"] if one.get("maps")):
                shown = [(one["layer"], one["channels"]) for one in outcome["maps"]]
                if maps.setdefault(record["case"]["model"], shown) != shown:
                    return place, f"maps of {outcome['key']} are of other layers than those before"
    return None
