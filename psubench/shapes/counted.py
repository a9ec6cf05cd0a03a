"""Records of a counted network: its layers, and pictures of its spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psubench.shapes.language import (
    AMOUNT,
    COUNT,
    FLAG,
    NUMBER,
    POSITIVE_COUNT,
    STATUS,
    TEXT,
    TEXT_OR_NONE,
    ShapeError,
    both,
    fields,
    many,
    numbers,
    one_of,
    unknown_or,
)

_NUMBERS_OF_LAYER = (
    *("events", "sop_eff", "sop_unit", "sop_graded", "sop_dense", "mac_textbook", "sop_eff_nzw"),
    *("recurrent_unit", "recurrent_graded", "recurrent_dense", "bias", "bn", "pooling", "residual"),
    *("spikes", "neuron_steps", "firing_rate", "n_samples", "energy_pj"),
    *("dynamics_mac", "dynamics_ac", "dynamics_cmp", "dynamics_nonlin", "dynamics_mac_executed"),
    *("synapse_energy_pj", "dynamics_energy_pj"),
)
_LAYER = fields(
    {
        **dict.fromkeys(_NUMBERS_OF_LAYER, unknown_or(AMOUNT)),
        "sop_value": unknown_or(NUMBER),  # a sum of inputs, which may be negative
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
        "split": TEXT, "note": TEXT_OR_NONE, "calibrated_layers": COUNT, "energy_model": _MODEL,
        "layers": many(_LAYER, least=1),
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


_CASE = fields(STATUS, {"verified": unknown_or(FLAG), "doubt": TEXT_OR_NONE})
ACTIVITY = both(
    fields({"case": fields({"T": POSITIVE_COUNT, "model": TEXT}), "cases": many(_CASE)}), _counted
)
