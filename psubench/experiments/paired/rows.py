"""What the rows of speed and of energy share: axes, status, the ratio to the reference. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_args

from msgspec import Meta

from psubench.models.names import TABLE as MODELS
from psubench.neurons.checks import NO_REFERENCE
from psubench.records.bounds import NO_SPIKES, Output
from psubench.records.outcomes import labelled
from psubench.records.paired import Plan, Trial, status_of
from psubench.records.structs import plain

if TYPE_CHECKING:
    from psubench.experiments.energy.rows import EnergyRow
    from psubench.experiments.speed.rows import SpeedRow

Row: TypeAlias = "SpeedRow | EnergyRow"
Reference = Annotated[str, Meta(description="label of the neuron that ratios compare with")]
_NAMES = ("model", "data", "T", "batch", "size", "device", "dtype", "phase", "mode", "threads", "reference")
AXES: Mapping[str, str] = {name: name for name in (*_NAMES, "processes")} | {"run_id": "run"}
"""Fields, and what they are called in a caption if they are equal in all rows, else above a column."""


WIDE = 2.0
"""Ratio of an interval's ends above which the ratio between them says nothing."""


def verdict(row: Row) -> str:
    """One word: `faster` or `slower` only where the whole interval lies outside the noise.

    With the noise floor f, the noise is [1 / (1 + f), 1 + f]. `unclear`: too few rounds for an
    interval, an interval that spans more than a factor of `WIDE` and settles nothing, or no reference.
    A case that was not timed has its status.
    """
    if row.status != "ok":
        return str(row.status)
    if row.is_reference:
        return "ref"
    low, high, noise = row.ratio_low, row.ratio_high, row.noise_floor
    if low is None or high is None or noise is None:
        return "unclear"
    if low > 1 + noise:
        return "faster"
    if high < 1 / (1 + noise):
        return "slower"
    return "unclear" if unclear(row) else "≈"


def unclear(row: Row) -> bool:
    """Whether the interval of a ratio is too wide for the ratio to be told."""
    return bool(row.ratio_low and row.ratio_high and row.ratio_high > WIDE * row.ratio_low)


def unverified(row: Row) -> bool:
    """Whether a case was timed though no reference has confirmed its spikes."""
    return row.status == "ok" and row.verified is not True


def fresh_weights(model: str) -> str:
    """What weights are that no checkpoint gave: a plug-in may have loaded its own."""
    return "untrained" if model.split("(")[0] in ("neuron", *MODELS) else "as the plug-in has built them"


def _said(tried: Sequence[Trial]) -> str | None:
    """What must be said of a case that has a result, beside what the note of its data says."""
    doubts = (trial.outcome.doubt for trial in tried)
    doubted = next((f"unverified: {doubt}" for doubt in doubts if doubt and doubt != NO_REFERENCE), None)
    notes = dict.fromkeys(note for trial in tried for note in trial.outcome.notes)
    return "; ".join(filter(None, (doubted, *notes))) or None


def _output(tried: Sequence[Trial]) -> str | None:
    """What the neuron gives; in doubt what is the least like spikes."""
    found = [t.outcome.output for t in tried if t.outcome.output]
    return max(found, key=get_args(Output).index, default=None)


def fields(case: Plan, found: Mapping[str, Mapping[int, Trial]], plan: Mapping[str, Plan]) -> dict[str, Any]:
    """The fields that rows of both kinds have, but for the ratio and what was measured.

    Args:
        found: what became of every case in each process, by their keys.
        plan: all cases by their keys.
    """
    planned = case.planned
    assert planned.reference is not None
    tried, reference = (list(found.get(key, {}).values()) for key in (planned.key, planned.reference))
    status, message = status_of(tried, planned.skip)
    said = _said(tried) if status == "ok" else None
    output = _output(tried)
    activity = next((t.outcome.activity for t in tried if t.outcome.activity), None)
    verified = [t.outcome.verified for t in tried]
    axes = plain(planned.case)
    del axes["kind"]  # which the struct of the row says
    return {
        **axes,
        "key": planned.key,
        "label": labelled(planned.label, output),
        "is_reference": planned.reference == planned.key,
        "reference": labelled(plan[planned.reference].planned.label, _output(reference)),
        "status": status,
        "message": "; ".join(filter(None, (message, said))) or None,
        "said": said,
        "run_id": tried[-1].run_id if tried else case.run_id,
        "weights": "trained" if case.trained else fresh_weights(planned.case.model),
        "verified": all(verified) if verified and None not in verified else None,
        "output": output,
        "firing_rate": activity.spikes / activity.neuron_steps
        if activity and output not in NO_SPIKES
        else None,
        "mismatch": next((t.outcome.mismatch for t in tried if t.outcome.mismatch is not None), None),
    }
