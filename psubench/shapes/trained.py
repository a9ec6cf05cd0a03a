"""Records of trainings: an epoch, and the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psubench.shapes.language import (
    AMOUNT,
    COUNT,
    FLAG,
    NUMBER,
    POSITIVE,
    POSITIVE_COUNT,
    TEXT,
    TEXT_OR_NONE,
    ShapeError,
    both,
    each,
    fields,
    unknown_or,
)

_TEST = fields(
    {
        "correct": COUNT, "samples": POSITIVE_COUNT, "spikes": each(COUNT), "neuron_steps": each(COUNT),
        "firing_rate": unknown_or(AMOUNT),
    }
)  # fmt: skip
_ACTIVITY = fields(
    {
        **dict.fromkeys(("sop_eff", "energy_pj", "dynamics_energy_pj"), unknown_or(AMOUNT)),
        **dict.fromkeys(("energy_model", "policy"), TEXT),
        "n_samples": unknown_or(COUNT),
    }
)
EPOCH = fields(
    {
        "key": TEXT, "epoch": POSITIVE_COUNT, "loss": NUMBER, "accuracy": AMOUNT, "samples": COUNT,
        "seconds": POSITIVE, "data_seconds": AMOUNT, "test": _TEST,
    }
)  # fmt: skip
_END = fields(
    {
        "key": TEXT, "status": TEXT, "message": TEXT_OR_NONE, "test": unknown_or(_TEST),
        "peak_memory_bytes": unknown_or(COUNT), "parameters": unknown_or(COUNT),
    },
    {"activity": unknown_or(_ACTIVITY), "verified": unknown_or(FLAG), "doubt": TEXT_OR_NONE},
)  # fmt: skip


def _tested(record: Mapping[str, Any], where: str) -> None:
    if record["status"] == "ok" and record["test"] is None:
        raise ShapeError(f"{where}test is null, though the training is ok")


END = both(_END, _tested)
