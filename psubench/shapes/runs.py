"""The first record of a run: the plan, by kinds of cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psubench.shapes.language import (
    COUNT,
    OBJECT,
    POSITIVE_COUNT,
    TEXT,
    TEXT_OR_NONE,
    Check,
    both,
    each,
    fields,
    many,
    one_of,
    unknown_or,
    wrong,
)

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
_TRAINING = fields(
    {
        **dict.fromkeys(("kind", "model", "data", "neuron", "implementation", "device"), TEXT),
        **dict.fromkeys(("T", "threads"), POSITIVE_COUNT),
        "seed": COUNT,
        "recipe": fields({"epochs": POSITIVE_COUNT, "eval_samples": POSITIVE_COUNT}),
    }
)
_CASES: Mapping[str, Check] = {
    **dict.fromkeys(("speed", "energy", "profile"), _CASE),
    "sparsity": _COUNT_CASE,
    "training": _TRAINING,
}
_ANY_PLANNED = fields({"key": TEXT, "case": fields({"kind": TEXT})})
_PLANNED = fields({"label": TEXT, "reference": TEXT}, {"skip": TEXT_OR_NONE})
_PLANNED_TRAINING = fields({"label": TEXT, "note": TEXT_OR_NONE})


def _planned(value: Any, where: str) -> None:
    _ANY_PLANNED(value, where)
    of_kind = _CASES.get(value["case"]["kind"])
    if of_kind is not None:
        (_PLANNED_TRAINING if of_kind is _TRAINING else _PLANNED)(value, where)
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


RUN = both(
    fields(
        {"run_id": TEXT, "cases": many(_planned)},
        {"environment": OBJECT, "plugins": each(TEXT_OR_NONE)},
    ),
    _plan,
)
