"""Records of a counted network: its layers, maps and rasters of its spikes."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from psubench.records.bounds import Amount, Count, Number, Output, Positive, Tally
from psubench.records.outcomes import Outcome
from psubench.records.run import SparsityCase


class Layer(Struct, frozen=True, kw_only=True):
    """Counts of a layer, or of all layers together; totals over samples and steps. None is unknown.

    Attributes:
        uncounted: operations without a rule, which make the row incomplete.
        unfolded: average poolings that the policy `fold` could not fold into this layer.
        spike_energy_pj: the part of `energy_pj` that grows with the firing rate.
    """

    layer: str
    role: Literal["synapse", "neuron", "total"]
    kind: str
    first: bool
    n_samples: Tally | None
    shape: str
    complete: bool
    uncounted: list[str]
    events: Tally | None
    sop_eff: Tally | None
    sop_unit: Tally | None
    sop_graded: Tally | None
    sop_dense: Tally | None
    mac_textbook: Tally | None
    sop_eff_nzw: Tally | None
    sop_value: int | Number | None  # a sum of inputs, which may be negative
    recurrent_unit: Tally | None
    recurrent_graded: Tally | None
    recurrent_dense: Tally | None
    bias: Tally | None
    bn: Tally | None
    pooling: Tally | None
    residual: Tally | None
    spikes: Tally | None
    neuron_steps: Tally | None
    dynamics_mac: Tally | None
    dynamics_ac: Tally | None
    dynamics_cmp: Tally | None
    dynamics_nonlin: Tally | None
    dynamics_mac_executed: Tally | None
    firing_rate: Tally | None
    spikes_per_step: list[Tally] | None
    synapse_energy_pj: Tally | None
    dynamics_energy_pj: Tally | None
    energy_pj: Tally | None
    unfolded: list[str] = []
    spike_energy_pj: Tally | None = None


class EnergyModel(Struct, frozen=True, kw_only=True):
    """The energy model that priced the counts."""

    name: str
    source: str
    verified: bool
    omits: str
    constants_pj: dict[str, Any] = {}


class Map(Struct, frozen=True, kw_only=True):
    """Spikes of a layer per place, a rectangle for each of some channels."""

    layer: str
    channels: list[Count]
    spikes: list[list[list[Tally]]]

    def __post_init__(self) -> None:
        widths = {len(row) for picture in self.spikes for row in picture}
        heights = {len(picture) for picture in self.spikes}
        whole = self.spikes and 0 not in widths and 0 not in heights
        if not whole or len(self.channels) != len(self.spikes) or len(widths) > 1 or len(heights) > 1:
            raise ValueError(f"the map of {self.layer:.40} is not a rectangle per channel")


class Raster(Struct, frozen=True, kw_only=True):
    """Spikes of some neurons of a layer as pairs of step and place in `neurons`."""

    layer: str
    of: Positive
    neurons: list[Count]
    spikes: list[tuple[Tally, Count]]

    def __post_init__(self) -> None:
        if any(place >= len(self.neurons) for _, place in self.spikes):
            raise ValueError(f"the raster of {self.layer:.40} has a spike of a neuron that is not in it")


class CountedOutcome(Outcome, kw_only=True):
    """One network with one neuron.

    Attributes:
        verified: whether a reference has confirmed the spikes; None if it was not checked.
        doubt: why no reference has confirmed them, if none has.
        exact: numbers that another run of the same code reproduces.
        split: the split of the data that was counted.
        layers: in the order of the network, followed by their total.
        mismatch: of a neuron that tends to another one, the share of its outputs that differ.
        output: kind of its outputs on its input; None if there were none.
        notes: further remarks on how it was measured, as clauses.
    """

    weights: str | None = None
    verified: bool | None = None
    doubt: str | None = None
    exact: dict[str, Any] | None = None
    split: str | None = None
    note: str | None = None
    calibrated_layers: Count | None = None
    energy_model: EnergyModel | None = None
    layers: list[Layer] | None = None
    maps: list[Map] | None = None
    raster: list[Raster] | None = None
    mismatch: Amount | None = None
    output: Output | None = None
    notes: list[str] = field(default_factory=list)

    def fail(self, error: BaseException) -> None:
        """As of any case; only a wrong one is known not to be verified."""
        super().fail(error)
        self.verified = False if self.status == "wrong" else None

    def __post_init__(self) -> None:
        if self.status != "ok" and not self.layers:
            return
        for name in ("split", "calibrated_layers", "energy_model", "layers", "maps", "raster"):
            if getattr(self, name) is None:
                raise ValueError(f"{name} is missing")
        roles = [layer.role for layer in self.layers or ()]
        if roles.count("total") != 1 or roles[-1] != "total":
            raise ValueError("the last layer is not the total")


class Activity(Struct, frozen=True, kw_only=True, tag_field="type", tag="activity"):
    """Counts of one network."""

    case: SparsityCase
    process: Count = 0
    cases: list[CountedOutcome]
    elapsed_s: Amount | None = None

    def __post_init__(self) -> None:
        for outcome in self.cases:
            for layer in outcome.layers or ():
                steps = layer.spikes_per_step
                if steps and len(steps) != self.case.T:
                    raise ValueError(f"layer {layer.layer:.40} has spikes of {len(steps)} steps")
