"""From the records of a run to its cases with their layers, and to flat rows. Pure functions; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict

from psubench.experiments.cases import folded
from psubench.records.bounds import Count, Number, Output, Positive, Status, Tally
from psubench.records.counted import Activity, CountedOutcome, EnergyModel, Layer, Map, Raster
from psubench.records.rows import Share
from psubench.records.run import Planned, SparsityCase
from psubench.records.structs import Record, plain
from psubench.sops.row_fields import TOTAL, empty_row

_Estimate = Annotated[Tally | None, Meta(description="an estimate, picojoule over all samples")]


class SparsityRow(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A layer, or the total of all layers, of a counted network; totals over all samples."""

    JSON_ONLY: ClassVar = (
        *("label", "synapse_energy_pj", "dynamics_energy_pj", "implementation", "key", "device", "dtype"),
        *("weights", "status", "message", "first", "uncounted", "unfolded", "events", "recurrent_unit"),
        *("recurrent_graded", "recurrent_dense", "bias", "bn", "pooling", "residual", "spikes_per_step"),
    )
    HIDDEN: ClassVar = ("verified",)

    model: str
    data: str
    neuron: str
    T: Positive
    label: str
    batch: Positive
    layer: str | None
    role: Literal["synapse", "neuron", "total"]
    shape: str | None
    firing_rate: Share | None
    spikes: Count | None
    neuron_steps: Count | None
    sop_eff: Count | None
    sop_unit: Count | None
    sop_graded: Count | None
    sop_dense: Count | None
    mac_textbook: Count | None
    sop_eff_nzw: Count | None
    sop_value: Annotated[Number | None, Meta(description="inputs times the outputs that they reach, summed")]
    dynamics_mac: Count | None
    dynamics_ac: Count | None
    dynamics_cmp: Count | None
    dynamics_nonlin: Count | None
    dynamics_mac_executed: Count | None
    synapse_energy_pj: _Estimate
    dynamics_energy_pj: _Estimate
    energy_pj: _Estimate
    energy_model: str
    n_samples: Tally | None
    policy: str
    complete: bool | None
    run_id: str
    implementation: str
    key: str
    device: str
    dtype: str
    weights: str
    status: Status
    message: str | None
    first: bool | None
    uncounted: list[str]
    unfolded: list[str]
    events: Count | None
    recurrent_unit: Count | None
    recurrent_graded: Count | None
    recurrent_dense: Count | None
    bias: Count | None
    bn: Count | None
    pooling: Count | None
    residual: Count | None
    spikes_per_step: list[Count] | None
    verified: bool | None = None


class Case(Struct, kw_only=True, frozen=True):
    """A planned network with one neuron, and what was counted.

    Attributes:
        neuron: with its implementation, if that is another than the usual.
        layers: as recorded, last their total; empty where nothing was counted, as are the pictures.
        others: as of `CountedOutcome` and `SparsityCase`.
    """

    model: str
    data: str
    neuron: str
    implementation: str
    T: int
    batch: int
    device: str
    dtype: str
    weights: str
    planned_model: str
    first_layer: str
    pooling: str
    key: str
    label: str
    run_id: str
    status: Status = "interrupted"
    message: str | None = "planned, but the run ended before it was counted"
    split: str | None = None
    note: str | None = None
    calibrated_layers: int | None = None
    energy_model: EnergyModel | None = None
    layers: list[Layer] = []
    maps: list[Map] = []
    raster: list[Raster] = []
    mismatch: float | None = None
    verified: bool | None = None
    doubt: str | None = None
    output: Output | None = None

    @property
    def policy(self) -> str:
        """What was done with the first layer and with average pooling."""
        return f"first={self.first_layer},pooling={self.pooling}"

    @property
    def total(self) -> Layer | None:
        """All layers together; None for a case that was not counted."""
        return next((layer for layer in self.layers if layer.role == TOTAL), None)


def cases(records: Sequence[Record]) -> list[Case]:
    """One entry per planned case, in the order of the plan: its axes, status, layers and pictures.

    A case that failed has its status and message and no layers; one that was planned and never counted
    has the status `interrupted`.
    """
    return folded(records, Activity, _planned, lambda outcome, _: _counted(outcome))


def _planned(planned: Planned, run_id: str) -> Case:
    case, label = planned.case, planned.label
    assert isinstance(case, SparsityCase)
    axes = {name: value for name, value in plain(case).items() if name in Case.__struct_fields__}
    if "@" in label and case.implementation != "plugin":
        axes["neuron"] = f"{case.neuron}@{case.implementation}"
    axes |= {"planned_model": axes.pop("energy_model")}
    return Case(**axes, key=planned.key, label=label, run_id=run_id)


def _counted(outcome: CountedOutcome) -> dict[str, Any]:
    """What an outcome says of its case."""
    told: dict[str, Any] = {
        "status": outcome.status,
        "message": outcome.message,
        "verified": outcome.verified,
        "doubt": "; ".join(filter(None, (outcome.doubt, *outcome.notes))) or None,
        "output": outcome.output,
    }
    if not outcome.layers:
        return told
    names = ("split", "note", "calibrated_layers", "energy_model", "layers", "maps", "raster", "mismatch")
    told |= {} if outcome.weights is None else {"weights": outcome.weights}
    return {**told, **{name: getattr(outcome, name) for name in names}}


def flat(cases: Sequence[Case]) -> list[SparsityRow]:
    """One row per layer and one for the total of every case, each with the axes of its case.

    A case without layers is one row, a total in which nothing is known.
    """
    rows = []
    names = set(SparsityRow.__struct_fields__)
    for case in cases:
        axes = {name: getattr(case, name) for name in (*_OF_CASE, "policy")}
        axes["energy_model"] = case.energy_model.name if case.energy_model else case.planned_model
        for layer in map(asdict, case.layers) if case.layers else [empty_row(TOTAL)]:
            rows.append(
                SparsityRow(**axes, **{name: value for name, value in layer.items() if name in names})
            )
    return rows


_OF_CASE = (
    "model", "data", "neuron", "implementation", "T", "batch", "device", "dtype", "weights", "key", "label",
    "run_id", "status", "message", "verified",
)  # fmt: skip
"""Fields that the rows of a case have from it, beside those that are made of several."""
