"""The fields of a row of a layer. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOTAL = "total"
SYNAPSE = (
    *("events", "sop_eff", "sop_unit", "sop_graded", "sop_dense", "mac_textbook", "sop_eff_nzw", "sop_value"),
    *("recurrent_unit", "recurrent_graded", "recurrent_dense", "bias", "bn", "pooling", "residual"),
)
NEURON = ("spikes", "neuron_steps")
DYNAMICS = ("dynamics_mac", "dynamics_ac", "dynamics_cmp", "dynamics_nonlin", "dynamics_mac_executed")


def empty_row(role: str) -> dict[str, Any]:
    """A row in which everything is unknown."""
    head = {"layer": role, "role": role, "kind": "", "first": False, "shape": (), "n_samples": None}
    return {**row_of({**head, "uncounted": (), "unfolded": ()}, energy_pj=None), "complete": False}


def row_of(layer: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """A row of a layer: its identity and the given values; everything else is None."""
    return {
        **{name: layer[name] for name in ("layer", "role", "kind", "first", "n_samples")},
        "shape": "x".join(map(str, layer["shape"])),
        "complete": not layer["uncounted"],
        "uncounted": list(layer["uncounted"]),
        "unfolded": list(layer["unfolded"]),
        **dict.fromkeys((*SYNAPSE, *NEURON, *DYNAMICS, "firing_rate", "spikes_per_step")),
        **dict.fromkeys(("synapse_energy_pj", "dynamics_energy_pj", "spike_energy_pj")),
        **values,
    }
