"""Records of what was measured: samples of time, windows of energy, peaks of memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from psubench.shapes.language import (
    AMOUNT,
    COUNT,
    FLAG,
    OBJECT,
    POSITIVE,
    POSITIVE_COUNT,
    STATUS,
    TEXT,
    TEXT_OR_NONE,
    Check,
    ShapeError,
    both,
    each,
    fields,
    many,
    numbers,
    unknown_or,
)

AGAIN = "again"
"""Name of the reference's second sample in every round (A/A), beside the neurons."""
IDLE = "idle"
"""Name of the energy windows in which nothing runs, beside the neurons."""

_ACTIVITY = fields({"spikes": COUNT, "neuron_steps": POSITIVE_COUNT, "spike_hash": TEXT})
_OUTCOME = fields(
    {**STATUS, "neuron": TEXT, "verified": unknown_or(FLAG), "activity": unknown_or(_ACTIVITY)},
    {"doubt": TEXT_OR_NONE},
)
_BLOCK_FIELDS: Mapping[str, Check] = {
    "case": fields({"T": POSITIVE_COUNT}),
    "process": COUNT,
    "reference": TEXT_OR_NONE,
    "cases": many(_OUTCOME),
}
_ROOF = fields(
    {
        "least_bytes": each(POSITIVE_COUNT), "copy_bytes": POSITIVE_COUNT, "copy_loops": POSITIVE_COUNT,
        "copy_ns": numbers(least=1),
    }
)  # fmt: skip
_BLOCK_EXTRAS: Mapping[str, Check] = {"note": TEXT_OR_NONE, "elapsed_s": AMOUNT, "roof": unknown_or(_ROOF)}
_SAMPLES = each(numbers(least=1))
_TIMED = fields({"rounds": COUNT, "loops": COUNT, "wall_ns": _SAMPLES, "device_ns": unknown_or(_SAMPLES)})


def _ok(record: Mapping[str, Any]) -> list[str]:
    """The neurons that have a result."""
    return [outcome["neuron"] for outcome in record["cases"] if outcome["status"] == "ok"]


def _compared(record: Mapping[str, Any], labels: Collection[str]) -> None:
    if AGAIN in labels and record["reference"] is None:
        raise ShapeError("reference is null, though one was measured")


def _timed(record: Mapping[str, Any], where: str) -> None:
    """A sample of every neuron in every round."""
    if "wall_ns" not in record and not _ok(record):
        return  # its worker died
    _TIMED(record, where)
    _compared(record, record["wall_ns"])
    for clock in ("wall_ns", "device_ns"):
        samples = record[clock]
        if samples is None:
            continue
        for name, of_neuron in samples.items():
            if len(of_neuron) != record["rounds"]:
                raise ShapeError(f"{clock}.{name} holds {len(of_neuron)} samples, not {record['rounds']}")
        for name in [*_ok(record), *record["wall_ns"]]:
            if not samples.get(name) and record["rounds"]:
                raise ShapeError(f"{clock}.{name} is missing")
    if _ok(record) and not (record["rounds"] and record["loops"]):
        raise ShapeError("rounds or loops is 0, though a case is ok")


_COUNTER = fields(
    {"source": TEXT, "name": TEXT, "unit_j": POSITIVE, "step_j": unknown_or(AMOUNT)},
)
_WINDOW = fields(
    {
        "round": unknown_or(COUNT), "label": TEXT, "calls": COUNT, "wall_ns": POSITIVE_COUNT,
        "counts": many(unknown_or(AMOUNT)), "reason": TEXT_OR_NONE,
    }
)  # fmt: skip
_METERED = fields({"counters": many(_COUNTER), "windows": many(_WINDOW)})


def _metered(record: Mapping[str, Any], where: str) -> None:
    """Windows with one count per counter; those of a neuron hold calls and belong to a round."""
    if "windows" not in record and not _ok(record):
        return  # its worker died
    _METERED(record, where)
    for place, window in enumerate(record["windows"]):
        if len(window["counts"]) != len(record["counters"]):
            raise ShapeError(f"windows[{place}] has not one count per counter")
        if None in window["counts"] and window["reason"] is None:
            raise ShapeError(f"windows[{place}] lacks a count and has no reason")
        if window["label"] != IDLE:
            POSITIVE_COUNT(window["calls"], f"windows[{place}].calls")
            COUNT(window["round"], f"windows[{place}].round")
    labels = {window["label"] for window in record["windows"]}
    _compared(record, labels)
    for name in _ok(record):
        if name not in labels:
            raise ShapeError(f"windows of {name} are missing")


_BLOCK_SHAPE = fields(_BLOCK_FIELDS, _BLOCK_EXTRAS)
BLOCK = both(_BLOCK_SHAPE, _timed)
ENERGY = both(_BLOCK_SHAPE, _metered)
MEMORY = fields(
    {"case": OBJECT, "cases": many(fields(STATUS, {"peak_memory_bytes": unknown_or(COUNT)}))},
    {"elapsed_s": AMOUNT},
)
