"""Records of a profile: sums over the calls of a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psubench.shapes.language import (
    COUNT,
    FLAG,
    INTEGER,
    OBJECT,
    POSITIVE_COUNT,
    STATUS,
    TEXT,
    TEXT_OR_NONE,
    ShapeError,
    both,
    fields,
    many,
    one_of,
    unknown_or,
)

_WAY = fields(dict.fromkeys(("self_ns", "device_ns", "launches", "allocated_bytes"), INTEGER))
_LAYER = fields(
    {
        "layer": TEXT, "kind": TEXT, "forward": _WAY, "backward": _WAY,
        "role": one_of("neuron", "synapse", "other", "unattributed"),
    }
)  # fmt: skip
_OPERATOR = fields(
    {
        **dict.fromkeys(("operator", "role"), TEXT),
        **dict.fromkeys(("calls", "self_ns", "total_ns", "device_ns"), INTEGER),
        "bytes": INTEGER,
    }
)
_TIMELINE = fields({"bytes": many(INTEGER, least=1), "peak_bytes": COUNT, "duration_ns": POSITIVE_COUNT})
_PROFILE = fields(
    {
        "trace": TEXT, "calls": POSITIVE_COUNT, "layers": many(_LAYER, least=1), "operators": many(_OPERATOR),
        "bare_ns": many(POSITIVE_COUNT, least=1), "call_ns": many(POSITIVE_COUNT, least=1),
        "memory": unknown_or(_TIMELINE), "forward_ns": unknown_or(COUNT),
    }
)  # fmt: skip

_CASE = fields(
    {**STATUS, "verified": unknown_or(FLAG), "profile": unknown_or(_PROFILE)}, {"doubt": TEXT_OR_NONE}
)


def _whole(record: Mapping[str, Any], where: str) -> None:
    """A profile of every case that is ok, and a duration of every call."""
    for place, outcome in enumerate(record["cases"]):
        found = outcome["profile"]
        if (outcome["status"] == "ok") != (found is not None):
            raise ShapeError(f"{where}cases[{place}] is {outcome['status']:.20} and has the wrong profile")
        if found is not None and len(found["call_ns"]) != found["calls"]:
            raise ShapeError(f"{where}cases[{place}] has not one duration per call")


PROFILE = both(
    fields(
        {
            "case": OBJECT,
            "cases": many(_CASE),
        },
        {"note": TEXT_OR_NONE},
    ),
    _whole,
)
