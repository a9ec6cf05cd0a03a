"""THE table of records: one tagged struct per type, and conversion between structs and JSON values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import msgspec

from psubench.records.counted import Activity
from psubench.records.fingerprint import Fingerprints
from psubench.records.measured import Block, Energy, Memory
from psubench.records.profiled import Profiled
from psubench.records.run import End, Run
from psubench.records.selftest import Suite
from psubench.records.trained import Epoch, Trained

Record = Run | Block | Energy | Memory | Fingerprints | Activity | Profiled | Epoch | Trained | Suite | End
Outcomes = Block | Energy | Memory | Fingerprints | Activity | Profiled
"""Records that hold outcomes of cases."""

RECORDS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {
        str(one.__struct_config__.tag): one
        for one in (Run, Block, Energy, Memory, Fingerprints, Activity, Profiled, Epoch, Trained, Suite, End)
    }
)
_OF_CASE = re.compile(r"\.cases\[(\d+)\]")


def plain(struct: msgspec.Struct) -> dict[str, Any]:
    """The fields of a struct and of the structs in it as JSON values, its tag first."""
    return cast("dict[str, Any]", msgspec.to_builtins(struct))


def build(value: Any) -> Record:
    """The record that a JSON value holds; fields that no struct has are ignored.

    Raises:
        ValueError: it is not a record; the message says what is wrong, where, and for which neuron.
    """
    try:
        return cast("Record", msgspec.convert(value, Record))
    except msgspec.ValidationError as error:
        raise ValueError(_located(str(error), value)) from None


def without_results(kind: object, value: Mapping[str, Any]) -> dict[str, Any]:
    """A record, as JSON, of cases for which no worker returned a result.

    It is of the type that this kind of run writes, with the fields of `value`.

    Args:
        kind: kind of the cases, or the pass: "memory" or "work".
    """
    match kind:
        case "sparsity":
            return {**value, "type": "activity"}
        case "profile":
            cases = value.get("cases")
            some = [{**one, "profile": None} for one in cases] if isinstance(cases, list) else cases
            return {**value, "type": "profile", "cases": some}
        case "energy":
            return {**value, "type": "energy", "counters": [], "windows": []}
        case "memory":
            return {**value, "type": "memory"}
        case "work":
            return {**value, "type": "fingerprint"}
    return {**value, "type": "block", "rounds": 0, "loops": 0, "wall_ns": {}, "device_ns": None}


def _located(text: str, value: Any) -> str:
    """`cases[2].status: Expected str, got int (psn)` from a message of msgspec."""
    what, _, place = text.replace("`", "").partition(" - at ")
    place = place.removeprefix("$").removeprefix(".")
    found = _OF_CASE.match(f".{place}")
    neuron = None
    if found is not None:
        case = value["cases"][int(found[1])]
        neuron = (case.get("neuron") or case.get("label")) if isinstance(case, dict) else None
    whose = f" ({neuron:.40})" if isinstance(neuron, str) else ""
    # A message from a struct's own checks names the field.
    return f"{place}: {what}{whose}" if place else f"{what}{whose}"
