"""From counts of a network to rows: every layer, and the total. Pure functions; no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psubench.neurons.operations import Dynamics
from psubench.sops.energy_models import EnergyModel
from psubench.sops.layer_counts import LayerCounts
from psubench.sops.row_fields import DYNAMICS, NEURON, SYNAPSE, TOTAL, row_of
from psubench.sops.work import of_dynamics, of_neurons, of_synapse


@dataclass(frozen=True)
class Pricing:
    """How counts become estimates of energy.

    Attributes:
        model: of energy.
        first_layer: one of `work.FIRST_LAYER`.
        pooling: one of `work.POOLING`; the counter must have used the same.
    """

    model: EnergyModel
    first_layer: str
    pooling: str

    @property
    def policy(self) -> str:
        """Both policies in one string."""
        return f"first={self.first_layer},pooling={self.pooling}"


def layer_rows(
    counts: Sequence[LayerCounts], dynamics: Dynamics | None, T: int, pricing: Pricing
) -> list[dict[str, Any]]:
    """One row per layer, in their order, and one for their total, with role `total`.

    All numbers are totals over `n_samples` samples and T steps; `energy_pj` is an estimate. If something in
    a row could not be counted, its synaptic columns are None, in the total too. `spike_energy_pj` is the part
    of it that grows with the firing rate.

    Args:
        counts: of `Counter.counts()`, for a network whose neurons are all of one kind.
        dynamics: the operations of one neuron over T steps; None if unknown.
    """
    rows = []
    for counted in counts:
        layer = {**asdict(counted), "sop_eff": counted.sop_eff}
        neuron = counted.role == "neuron"
        rows.append(
            _neuron_row(layer, dynamics, T, pricing.model) if neuron else _synapse_row(layer, pricing)
        )
    return [*rows, _total(rows)]


def without_spikes(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a network whose neurons output values other than spikes: it has no firing rate."""
    return {**row, **dict.fromkeys(("spikes", "spikes_per_step", "firing_rate", "spike_energy_pj"))}


def _synapse_row(layer: Mapping[str, Any], pricing: Pricing) -> dict[str, Any]:
    counts = dict.fromkeys(SYNAPSE) if layer["uncounted"] else {name: layer[name] for name in SYNAPSE}
    if counts["sop_value"] is not None and not math.isfinite(counts["sop_value"]):
        counts["sop_value"] = None  # of an input with infinity or NaN
    work = of_synapse(layer, pricing.first_layer)
    energy, idle = pricing.model.price(work), pricing.model.price(work.idle())
    by_spikes = 0 if layer["first"] else _less(energy, idle)
    if layer["kind"] == "product":  # of two activations: with the rate it grows as its square
        by_spikes = None
    return row_of(layer, **counts, energy_pj=energy, spike_energy_pj=by_spikes)


def _neuron_row(
    layer: Mapping[str, Any], dynamics: Dynamics | None, T: int, model: EnergyModel
) -> dict[str, Any]:
    ideal = None if dynamics is None else asdict(dynamics.ideal)
    known = dynamics is not None and dynamics.executed is not None
    executed = asdict(dynamics.executed) if known else None  # type: ignore[union-attr,arg-type]
    serial = dynamics is not None and dynamics.serial
    energy, idle = (
        model.price(of_neurons({**layer, "spikes": spikes}, T, ideal, serial))
        for spikes in (layer["spikes"], 0)
    )
    operations = of_dynamics(layer, T, ideal)
    return row_of(
        layer,
        **{name: layer[name] for name in NEURON},
        firing_rate=layer["spikes"] / layer["neuron_steps"] if layer["neuron_steps"] else None,
        spikes_per_step=list(layer["spikes_per_step"]),
        **{f"dynamics_{name}": value for name, value in operations.items()},
        dynamics_mac_executed=of_dynamics(layer, T, executed)["mac"],
        energy_pj=energy,
        spike_energy_pj=_less(energy, idle),
    )


def _less(whole: float | None, part: float | None) -> float | None:
    return None if whole is None or part is None else round(whole - part, 6)


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over the rows to which a column applies; if one is unknown, the sum is unknown."""

    def of(role: str, names: Sequence[str]) -> dict[str, Any]:
        chosen = [row for row in rows if row["role"] == role]
        return {name: _sum([row[name] for row in chosen]) for name in names}

    neurons = of("neuron", (*NEURON, *DYNAMICS))
    texts = {
        name: list(dict.fromkeys(text for row in rows for text in row[name]))
        for name in ("uncounted", "unfolded")
    }
    head = {
        "layer": TOTAL, "role": TOTAL, "kind": "", "first": False, "shape": (), **texts,
        "n_samples": max((row["n_samples"] for row in rows), default=0),
    }  # fmt: skip
    return row_of(
        head,
        **of("synapse", SYNAPSE),
        **neurons,
        firing_rate=neurons["spikes"] / neurons["neuron_steps"] if neurons["neuron_steps"] else None,
        energy_pj=_sum([row["energy_pj"] for row in rows]),
        spike_energy_pj=_sum([row["spike_energy_pj"] for row in rows]),
        synapse_energy_pj=of("synapse", ["energy_pj"])["energy_pj"],
        dynamics_energy_pj=of("neuron", ["energy_pj"])["energy_pj"],
    )


def _sum(values: Sequence[Any]) -> Any:
    return None if None in values else round(sum(values), 6)
