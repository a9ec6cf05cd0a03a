"""From the records of a run to its cases with their layers, and to flat rows. Pure functions; no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psubench.records.counted import Activity, CountedOutcome, EnergyModel
from psubench.records.outcomes import labelled
from psubench.records.run import Planned, Run, SparsityCase
from psubench.records.structs import Record, plain
from psubench.sops.row_fields import TOTAL, empty_row

Case = Mapping[str, Any]


def cases(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One entry per planned case, in the order of the plan: its axes, status, layers and pictures.

    A case that failed has its status and message and no layers; one that was planned and never counted
    has the status `interrupted`.
    """
    planned: dict[str, dict[str, Any]] = {}
    run_id = ""
    for record in records:
        if isinstance(record, Run):
            run_id = record.run_id
            for case in record.cases:
                planned.setdefault(case.key, _planned(case, run_id))
        elif isinstance(record, Activity):
            for outcome in record.cases:
                before = planned.get(outcome.key)
                if before is not None and before["status"] != "ok":
                    label = labelled(before["label"], outcome.output)
                    before |= {**_counted(outcome), "label": label, "run_id": run_id}
    return list(planned.values())


def _planned(planned: Planned, run_id: str) -> dict[str, Any]:
    case, label = planned.case, planned.label
    assert isinstance(case, SparsityCase)
    other = "@" in label and case.implementation != "plugin"
    return {
        **plain(case),
        "neuron": f"{case.neuron}@{case.implementation}" if other else case.neuron,
        "key": planned.key,
        "label": label,
        "run_id": run_id,
        "policy": f"first={case.first_layer},pooling={case.pooling}",
        "status": "interrupted",
        "message": "planned, but the run ended before it was counted",
        "layers": [],
    }


def _counted(outcome: CountedOutcome) -> dict[str, Any]:
    """What an outcome says of its case: rows of its layers as they are exported, pictures as recorded."""
    told: dict[str, Any] = {
        "status": outcome.status,
        "message": outcome.message,
        "verified": outcome.verified,
        "doubt": "; ".join(filter(None, (outcome.doubt, *outcome.notes))) or None,
        "output": outcome.output,
    }
    if not outcome.layers:
        return told
    told |= {} if outcome.weights is None else {"weights": outcome.weights}
    return {
        **told,
        "exact": outcome.exact,
        "split": outcome.split,
        "note": outcome.note,
        "calibrated_layers": outcome.calibrated_layers,
        "energy_model": outcome.energy_model,
        "layers": [plain(layer) for layer in outcome.layers],
        "maps": outcome.maps,
        "raster": outcome.raster,
    }


def total(case: Case) -> Case | None:
    """The row of all layers together; None for a case that was not counted."""
    return next((row for row in case["layers"] if row["role"] == TOTAL), None)


def flat(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """One row per layer and one for the total of every case, each with the axes of its case.

    A case without layers is one row, a total in which nothing is known.
    """
    rows = []
    for case in cases:
        axes = {name: value for name, value in case.items() if name not in _LARGE}
        axes["energy_model"] = _model(case)
        for layer in case["layers"] or [empty_row(TOTAL)]:
            rows.append({**axes, **layer})
    return rows


_LARGE = {"layers", "maps", "raster", "exact", "energy_model"}


def _model(case: Case) -> str:
    """Name of the energy model, by which it was priced or would have been."""
    model = case["energy_model"]
    return str(model.name if isinstance(model, EnergyModel) else model)
