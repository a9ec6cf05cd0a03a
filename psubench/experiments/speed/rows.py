"""Records to numbers: pure functions, no torch. Statistics are computed here and stored nowhere."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from psubench.experiments.paired import rows as paired_rows
from psubench.experiments.paired.rows import Reference
from psubench.records.bounds import AboveZero, Amount, Count, Output, Positive
from psubench.records.measured import Memory, MemoryOutcome
from psubench.records.outcomes import Compilation
from psubench.records.paired import Plan, Trial, ratios, trials
from psubench.records.rows import CaseRow, Share
from psubench.records.structs import Record


class SpeedRow(CaseRow, kw_only=True, frozen=True, tag_field="kind", tag="speed"):
    """A case that was timed.

    Attributes:
        is_reference: whether it is the case that others of its block are compared with.
        mismatch: of a neuron that tends to another one, the share of its outputs that differ.
        output: kind of the neuron's outputs.
        said: doubts and notes on a result, as clauses.
    """

    AXES: ClassVar[Mapping[str, str]] = paired_rows.AXES
    CLAIMS: ClassVar[Mapping[str, str]] = {"slower": "slower than", "faster": "faster than"}
    JSON_ONLY: ClassVar = ("key", "compile", "label", "firing_rate")
    HIDDEN: ClassVar = ("is_reference", "weights", "mismatch", "output", "said")

    reference: Reference
    median_s: Annotated[AboveZero | None, Meta(description="seconds per call")]
    p05_s: AboveZero | None
    p95_s: AboveZero | None
    ratio: Annotated[AboveZero | None, Meta(description="reference / neuron; above 1 is faster or less")]
    ratio_low: Annotated[AboveZero | None, Meta(description="lower end of the 95 % interval")]
    ratio_high: AboveZero | None
    noise_floor: Annotated[Amount | None, Meta(description="smallest relative difference beyond noise")]
    rounds: Positive | None
    processes: Positive | None
    peak_memory_bytes: Count | None
    message: str | None
    run_id: str
    least_bytes: Annotated[Positive | None, Meta(description="bytes that a call of one layer must move")]
    copy_bytes_per_s: Annotated[AboveZero | None, Meta(description="of copies of the input")]
    key: str
    compile: Annotated[Compilation | None, Meta(description="null for neurons that are not compiled")]
    label: str
    firing_rate: Annotated[Share | None, Meta(description="spikes per neuron and step")]
    copy_share: Annotated[AboveZero | None, Meta(description="least_bytes / median_s / copy_bytes_per_s")]
    is_reference: bool
    weights: str
    mismatch: float | None = None
    output: Output | None = None
    said: str | None = None


def rows(records: Sequence[Record]) -> list[SpeedRow]:
    """One row per planned case, in the order of the plan.

    A case that was planned and never measured is a row with status `interrupted`.
    """
    plan, found = trials(records)
    memory = {one.key: one for record in records if isinstance(record, Memory) for one in record.cases}
    return [_row(case, found, plan, memory.get(key)) for key, case in plan.items()]


def _row(
    case: Plan,
    found: Mapping[str, Mapping[int, Trial]],
    plan: Mapping[str, Plan],
    memory: MemoryOutcome | None,
) -> SpeedRow:
    fields, tried = paired_rows.fields(case, found, plan), [*found.get(case.planned.key, {}).values()]
    good = tried if fields["status"] == "ok" else []
    if memory and memory.status != "ok" and fields["status"] == "ok":
        fields["message"] = f"peak memory unknown: {memory.status}: {memory.message}"
    return SpeedRow(
        **fields,
        compile=next((t.outcome.compile for t in tried if t.outcome.compile), None),
        peak_memory_bytes=memory.peak_memory_bytes if memory else None,
        **_times(good),
        **_roof(good),
        **ratios(good),
    )


def _times(tried: Sequence[Trial]) -> dict[str, Any]:
    """Seconds per call: percentiles over all samples of all processes."""
    if not tried:
        return {"median_s": None, "p05_s": None, "p95_s": None, "rounds": None, "processes": None}
    samples = [ns / (t.loops * 1e9) for t in tried for ns in t.samples[t.outcome.neuron]]
    # One sample is all of its percentiles; twentieths need two.
    p05, *_, p95 = statistics.quantiles(samples * (1 + (len(samples) == 1)), n=20, method="inclusive")
    median = statistics.median(samples)
    return {"median_s": median, "p05_s": p05, "p95_s": p95, "rounds": len(samples), "processes": len(tried)}


def _roof(tried: Sequence[Trial]) -> dict[str, Any]:
    """What a call must move, how fast copies of its input moved as much, and its share of that speed.

    Medians over processes; in each the copies lay between the rounds that gave the case its time.
    """
    shares, speeds, least = [], [], None
    for trial in tried:
        roof, name = trial.block.roof, trial.outcome.neuron
        if not roof or not roof.copy_ns or name not in roof.least_bytes:
            continue
        least = roof.least_bytes[name]
        speeds.append(1e9 * roof.copy_bytes * roof.copy_loops / statistics.median(roof.copy_ns))
        seconds = statistics.median(trial.samples[name]) / (trial.loops * 1e9)
        shares.append(least / seconds / speeds[-1])
    return {
        "least_bytes": least,
        "copy_bytes_per_s": statistics.median(speeds) if speeds else None,
        "copy_share": statistics.median(shares) if shares else None,
    }
