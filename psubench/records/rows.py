"""What `--json`, `show --json` and `export --format json` print: a row per case, group of seeds or part."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from msgspec import Meta, Struct

from psubench.records.bounds import AboveZero, Amount, Count, Number, Positive, Status, Tally
from psubench.records.outcomes import Compilation

Share = Annotated[float, Meta(ge=0, le=1)]
_Joules = Annotated[AboveZero | None, Meta(description="measured, including the idle power")]
_Net = Annotated[Number | None, Meta(description="without the idle power; noise may make it negative")]
_Estimate = Annotated[Tally | None, Meta(description="an estimate, picojoule over all samples")]


class _Case(Struct, kw_only=True, forbid_unknown_fields=True):
    neuron: Annotated[str, Meta(description="name, or module:attribute of a plug-in")]
    implementation: str
    model: str
    data: str
    T: Annotated[Positive, Meta(description="time steps")]
    batch: Positive
    size: Annotated[Positive | None, Meta(description="neurons of the one layer; null for a network")]
    device: str
    dtype: str
    phase: Literal["infer", "train"]
    mode: Literal["layer", "step"]
    threads: Positive
    status: Status
    verified: Annotated[bool | None, Meta(description="null if nothing was checked")]
    message: str | None
    run_id: str


class _Compared(_Case, kw_only=True, forbid_unknown_fields=True):
    key: str
    label: str
    reference: Annotated[str, Meta(description="label of the neuron that ratios compare with")]
    median_s: Annotated[AboveZero | None, Meta(description="seconds per call")]
    ratio: Annotated[AboveZero | None, Meta(description="reference / neuron; above 1 is faster or less")]
    ratio_low: Annotated[AboveZero | None, Meta(description="lower end of the 95 % interval")]
    ratio_high: AboveZero | None
    noise_floor: Annotated[Amount | None, Meta(description="smallest relative difference beyond noise")]
    processes: Positive | None
    firing_rate: Annotated[Share | None, Meta(description="spikes per neuron and step")]


class SpeedRow(_Compared, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="speed"):
    """A case that was timed."""

    p05_s: AboveZero | None
    p95_s: AboveZero | None
    rounds: Positive | None
    peak_memory_bytes: Count | None
    least_bytes: Annotated[Positive | None, Meta(description="bytes that a call of one layer must move")]
    copy_bytes_per_s: Annotated[AboveZero | None, Meta(description="of copies of the input")]
    copy_share: Annotated[AboveZero | None, Meta(description="least_bytes / median_s / copy_bytes_per_s")]
    compile: Annotated[Compilation | None, Meta(description="null for neurons that are not compiled")]


class EnergyRow(_Compared, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="energy"):
    """A case whose joules were measured."""

    gross_j_per_call: _Joules
    net_j_per_call: _Net
    gross_j_per_sample: _Joules
    net_j_per_sample: _Net
    gross_j_per_step: _Joules
    net_j_per_step: _Net
    power_w: AboveZero | None
    idle_w: Amount | None
    windows: Count | None
    window_s: AboveZero | None
    counters: str | None
    resolution: Amount | None


class SparsityRow(Struct, kw_only=True, forbid_unknown_fields=True):
    """A layer, or the total of all layers, of a counted network; totals over all samples."""

    model: str
    data: str
    neuron: str
    implementation: str
    T: Positive
    label: str
    batch: Positive
    device: str
    dtype: str
    weights: str
    key: str
    run_id: str
    status: Status
    message: str | None
    layer: str | None
    role: Literal["synapse", "neuron", "total"]
    shape: str | None
    first: bool | None
    complete: bool | None
    uncounted: list[str]
    unfolded: list[str]
    n_samples: Tally | None
    firing_rate: Share | None
    spikes: Count | None
    neuron_steps: Count | None
    spikes_per_step: list[Count] | None
    events: Count | None
    sop_eff: Count | None
    sop_unit: Count | None
    sop_graded: Count | None
    sop_dense: Count | None
    mac_textbook: Count | None
    sop_eff_nzw: Count | None
    sop_value: Annotated[Number | None, Meta(description="inputs times the outputs that they reach, summed")]
    recurrent_unit: Count | None
    recurrent_graded: Count | None
    recurrent_dense: Count | None
    bias: Count | None
    bn: Count | None
    pooling: Count | None
    residual: Count | None
    dynamics_mac: Count | None
    dynamics_ac: Count | None
    dynamics_cmp: Count | None
    dynamics_nonlin: Count | None
    dynamics_mac_executed: Count | None
    synapse_energy_pj: _Estimate
    dynamics_energy_pj: _Estimate
    energy_pj: _Estimate
    energy_model: str
    policy: str


class TrainingRow(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="training"):
    """A neuron on a data set, over its seeds."""

    model: str
    data: str
    neuron: str
    implementation: str
    label: str
    T: Positive
    epochs: Positive
    device: str
    threads: Positive
    status: Status
    accuracy: Annotated[Share | None, Meta(description="on the test split, mean over the seeds")]
    accuracy_sd: Annotated[Amount | None, Meta(description="between seeds; null for one")]
    n: Count
    seeds: list[Count]
    test_samples: Count | None
    train_accuracy: Share | None
    firing_rate: Share | None
    spikes_per_sample: Amount | None
    sop_eff_per_sample: Amount | None
    energy_pj_per_sample: Amount | None
    dynamics_energy_pj_per_sample: Amount | None
    energy_model: str | None
    policy: str | None
    epoch_s: Amount | None
    data_s: Amount | None
    samples_per_s: Amount | None
    parameters: Count | None
    peak_memory_bytes: Count | None
    message: str | None
    run_id: str


class ProfileRow(_Case, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="profile"):
    """A call, a role, a layer or an operator of a case, per call."""

    part: Literal["total", "role", "layer", "operator"]
    name: str | None
    role: str | None
    layer_kind: str | None
    events: Amount | None
    time_s: Amount | None
    total_s: Amount | None
    share: Share | None
    forward_s: Amount | None
    backward_s: Amount | None
    bare_s: Amount | None
    launches: Amount | None
    launches_per_step: Amount | None
    allocated_bytes: Amount | None
    kept_bytes: Number | None
    peak_memory_bytes: Count | None


ROWS: Mapping[str, type[Struct]] = MappingProxyType(
    {
        "speed": SpeedRow, "energy": EnergyRow, "sparsity": SparsityRow, "training": TrainingRow,
        "profile": ProfileRow,
    }
)  # fmt: skip
