"""THE table of what each type of record must hold so that it can be read: fields, ranges, what fits together.

It holds what a reader relies on, not all that is written. A type or a kind that is not in it is checked no
further than its name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from psubench.checks import (
    AMOUNT,
    COUNT,
    FLAG,
    OBJECT,
    POSITIVE,
    POSITIVE_COUNT,
    TEXT,
    Check,
    ShapeError,
    both,
    each,
    fields,
    many,
    numbers,
    one_of,
    unknown_or,
    wrong,
)

AGAIN = "again"
"""Name of the reference's second sample in every round (A/A), beside the neurons."""
IDLE = "idle"
"""Name of the energy windows in which nothing runs, beside the neurons."""

_TEXT_OR_NONE = unknown_or(TEXT)
_CASE_FIELDS: Mapping[str, Check] = {
    **dict.fromkeys(("kind", "neuron", "implementation", "model", "data", "device", "dtype", "mode"), TEXT),
    **dict.fromkeys(("T", "batch", "threads"), POSITIVE_COUNT),
    "size": unknown_or(POSITIVE_COUNT),
    "phase": one_of("infer", "train"),
}
_CASE = fields(_CASE_FIELDS)
_COUNT_CASE = fields(
    {
        **_CASE_FIELDS,
        **dict.fromkeys(("weights", "energy_model", "first_layer", "pooling"), TEXT),
        "samples": POSITIVE_COUNT,
    }
)
_CASES: Mapping[str, Check] = {"speed": _CASE, "energy": _CASE, "sparsity": _COUNT_CASE}
_ANY_PLANNED = fields({"key": TEXT, "case": fields({"kind": TEXT})})
_PLANNED = fields({"key": TEXT, "label": TEXT, "reference": TEXT}, {"skip": _TEXT_OR_NONE})


def _planned(value: Any, where: str) -> None:
    _ANY_PLANNED(value, where)
    of_kind = _CASES.get(value["case"]["kind"])
    if of_kind is not None:
        _PLANNED(value, where)
        of_kind(value["case"], f"{where}.case")


def _plan(record: Mapping[str, Any], _: str) -> None:
    """One kind, and references that are in the plan."""
    cases = record["cases"]
    keys = {case["key"] for case in cases}
    for place, case in enumerate(cases):
        if case["case"]["kind"] != cases[0]["case"]["kind"]:
            raise wrong(f"cases[{place}].case.kind", cases[0]["case"]["kind"], case["case"]["kind"])
        if case.get("reference", case["key"]) not in keys:
            raise wrong(f"cases[{place}].reference", "the key of a case", case["reference"])


_HEADER = fields(
    {"run_id": TEXT, "cases": many(_planned)},
    {"environment": OBJECT, "plugins": each(_TEXT_OR_NONE)},
)
_STATUS: Mapping[str, Check] = {"key": TEXT, "status": TEXT, "message": _TEXT_OR_NONE}
_ACTIVITY = fields({"spikes": COUNT, "neuron_steps": POSITIVE_COUNT, "spike_hash": TEXT})
_OUTCOME = fields(
    {**_STATUS, "neuron": TEXT, "verified": unknown_or(FLAG), "activity": unknown_or(_ACTIVITY)}
)
_BLOCK_FIELDS: Mapping[str, Check] = {
    "case": fields({"T": POSITIVE_COUNT}),
    "process": COUNT,
    "reference": _TEXT_OR_NONE,
    "cases": many(_OUTCOME),
}
_BLOCK_EXTRAS: Mapping[str, Check] = {"note": _TEXT_OR_NONE, "elapsed_s": AMOUNT}
_SAMPLES = each(numbers(least=1))
_TIMED = fields(
    {"rounds": COUNT, "loops": POSITIVE_COUNT, "wall_ns": _SAMPLES, "device_ns": unknown_or(_SAMPLES)}
)


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
    if _ok(record) and not record["rounds"]:
        raise ShapeError("rounds is 0, though a case is ok")


_COUNTER = fields(
    {"source": TEXT, "name": TEXT, "unit_j": POSITIVE, "step_j": unknown_or(POSITIVE)},
)
_WINDOW = fields(
    {
        "round": unknown_or(COUNT), "label": TEXT, "calls": COUNT, "wall_ns": POSITIVE_COUNT,
        "counts": many(unknown_or(AMOUNT)), "reason": _TEXT_OR_NONE,
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
        if window["label"] != IDLE:
            POSITIVE_COUNT(window["calls"], f"windows[{place}].calls")
            COUNT(window["round"], f"windows[{place}].round")
    labels = {window["label"] for window in record["windows"]}
    _compared(record, labels)
    for name in _ok(record):
        if name not in labels:
            raise ShapeError(f"windows of {name} are missing")


_NUMBERS_OF_LAYER = (
    *("events", "sop_eff", "sop_unit", "sop_graded", "sop_dense", "mac_textbook", "sop_eff_nzw", "sop_value"),
    *("recurrent_unit", "recurrent_graded", "recurrent_dense", "bias", "bn", "pooling", "residual"),
    *("spikes", "neuron_steps", "firing_rate", "n_samples", "energy_pj"),
    *("dynamics_mac", "dynamics_ac", "dynamics_cmp", "dynamics_nonlin", "dynamics_mac_executed"),
    *("synapse_energy_pj", "dynamics_energy_pj"),
)
_LAYER = fields(
    {
        **dict.fromkeys(_NUMBERS_OF_LAYER, unknown_or(AMOUNT)),
        **dict.fromkeys(("layer", "shape"), TEXT),
        **dict.fromkeys(("first", "complete"), FLAG),
        "role": one_of("synapse", "neuron", "total"),
        "uncounted": many(TEXT),
        "spikes_per_step": unknown_or(numbers(least=0)),
    }
)
_MODEL = fields({"name": TEXT, "source": TEXT, "verified": FLAG, "omits": TEXT})
_MAP = fields(
    {
        "layer": TEXT,
        "channels": many(COUNT, least=1),
        "spikes": many(many(numbers(least=0), least=1), least=1),
    }
)
_RASTER = fields(
    {"layer": TEXT, "of": POSITIVE_COUNT, "neurons": many(COUNT), "spikes": many(numbers(least=0))}
)
_COUNTED = fields(
    {
        "split": TEXT, "note": _TEXT_OR_NONE, "energy_model": _MODEL, "layers": many(_LAYER, least=1),
        "maps": many(_MAP), "raster": many(_RASTER),
    }
)  # fmt: skip


def _counted(record: Mapping[str, Any], where: str) -> None:
    """Layers that end in their total, and pictures whose parts fit together."""
    for place, outcome in enumerate(record["cases"]):
        at = f"{where}cases[{place}]"
        if outcome["status"] != "ok" and not outcome.get("layers"):
            continue
        _COUNTED(outcome, at)
        roles = [layer["role"] for layer in outcome["layers"]]
        if roles.count("total") != 1 or roles[-1] != "total":
            raise ShapeError(f"{at}: the layers do not end in their total")
        for layer in outcome["layers"]:
            steps = layer["spikes_per_step"]
            if steps and len(steps) != record["case"]["T"]:
                raise ShapeError(f"{at}: layer {layer['layer']:.40} has spikes of {len(steps)} steps")
        for found in outcome["maps"]:
            widths = {len(row) for picture in found["spikes"] for row in picture}
            heights = {len(picture) for picture in found["spikes"]}
            if len(found["channels"]) != len(found["spikes"]) or len(widths) > 1 or len(heights) > 1:
                raise ShapeError(f"{at}: the map of {found['layer']:.40} is no rectangle per channel")
        for found in outcome["raster"]:
            pairs = found["spikes"]
            if any(len(p) != 2 or p[1] >= len(found["neurons"]) or type(p[1]) is not int for p in pairs):
                raise ShapeError(f"{at}: the raster of {found['layer']:.40} is no list of step and place")


_RECORDS: Mapping[str, Check] = {
    "run": both(_HEADER, _plan),
    "block": both(fields(_BLOCK_FIELDS, _BLOCK_EXTRAS), _timed),
    "energy": both(fields(_BLOCK_FIELDS, _BLOCK_EXTRAS), _metered),
    "memory": fields(
        {"case": OBJECT, "cases": many(fields(_STATUS, {"peak_memory_bytes": unknown_or(COUNT)}))},
        {"elapsed_s": AMOUNT},
    ),
    "activity": both(
        fields({"case": fields({"T": POSITIVE_COUNT, "model": TEXT}), "cases": many(fields(_STATUS))}),
        _counted,
    ),
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
