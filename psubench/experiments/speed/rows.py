"""Records to numbers: pure functions, no torch. Statistics are computed here and stored nowhere."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from psubench.experiments.energy import rows as energy_rows
from psubench.experiments.paired import setting
from psubench.neurons.checks import NO_REFERENCE
from psubench.records.measured import Memory, MemoryOutcome
from psubench.records.outcomes import labelled
from psubench.records.paired import Plan, Trial, paired, pairs, status_of, trials
from psubench.records.structs import Record, plain
from psubench.stats import intervals


def rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row per planned case, in the order of the plan; `render.columns` says what the fields mean.

    A case that was planned and never measured is a row with status `interrupted`.
    """
    plan, found = trials(records)
    memory = {one.key: one for record in records if isinstance(record, Memory) for one in record.cases}
    measures = energy_rows.Measures()
    return [_with_memory(_row(case, found, plan, measures), memory.get(key)) for key, case in plan.items()]


def _with_memory(row: dict[str, Any], outcome: MemoryOutcome | None) -> dict[str, Any]:
    """Adds the peak memory to a row that was timed, or why it is not known."""
    row["peak_memory_bytes"] = outcome.peak_memory_bytes if outcome else None
    if outcome and outcome.status != "ok" and row["status"] == "ok":
        row["message"] = f"peak memory unknown: {outcome.status}: {outcome.message}"
    return row


def _row(
    case: Plan,
    found: Mapping[str, Mapping[int, Trial]],
    plan: Mapping[str, Plan],
    measures: energy_rows.Measures,
) -> dict[str, Any]:
    planned = case.planned
    assert planned.reference is not None
    tried, reference = (list(found.get(key, {}).values()) for key in (planned.key, planned.reference))
    status, message = status_of(tried, planned.skip)
    said = _said(tried) if status == "ok" else None
    message = "; ".join(filter(None, (message, said))) or None
    row = {
        **plain(planned.case),
        "key": planned.key,
        "label": labelled(planned.label, _output(tried)),
        "is_reference": planned.reference == planned.key,
        "reference": labelled(plan[planned.reference].planned.label, _output(reference)),
        "status": status,
        "message": message,
        "said": said,
        "run_id": tried[-1].run_id if tried else case.run_id,
        "weights": "trained" if case.trained else setting.fresh_weights(planned.case.model),
        **_activity(tried),
    }
    good = tried if status == "ok" else []
    if row["kind"] == "energy":
        return {**row, **_energy(row, good, measures), **_ratio(good)}
    return {**row, **_speed(good), **_roof(good), **_ratio(good)}


def _said(tried: Sequence[Trial]) -> str | None:
    """What must be said of a case that has a result, beside what the note of its data says."""
    doubts = (trial.outcome.doubt for trial in tried)
    doubted = next((f"unverified: {doubt}" for doubt in doubts if doubt and doubt != NO_REFERENCE), None)
    notes = dict.fromkeys(note for trial in tried for note in trial.outcome.notes)
    return "; ".join(filter(None, (doubted, *notes))) or None


def _output(tried: Sequence[Trial]) -> str | None:
    """What the neuron gives; in doubt what is the least like spikes."""
    found = [t.outcome.output for t in tried if t.outcome.output]
    return max(found, key=("spikes", "counts", "ternary", "analog").index, default=None)


def _activity(tried: Sequence[Trial]) -> dict[str, Any]:
    activity = next((t.outcome.activity for t in tried if t.outcome.activity), None)
    compilation = next((t.outcome.compile for t in tried if t.outcome.compile), None)
    verified, output = [t.outcome.verified for t in tried], _output(tried)
    return {
        "verified": all(verified) if verified and None not in verified else None,
        "output": output,
        "firing_rate": activity.spikes / activity.neuron_steps if activity and output != "analog" else None,
        "spike_hash": activity.spike_hash if activity else None,
        "compile": plain(compilation) if compilation else None,
        "mismatch": next((t.outcome.mismatch for t in tried if t.outcome.mismatch is not None), None),
    }


def _speed(tried: Sequence[Trial]) -> dict[str, Any]:
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


def _energy(row: Mapping[str, Any], tried: Sequence[Trial], measures: energy_rows.Measures) -> dict[str, Any]:
    """Joules, and in the message what could not be read."""
    measured = [(trial.outcome.neuron, measures.of(trial.block)) for trial in tried]
    unread = energy_rows.unread(measured)
    message = "; ".join(note for note in (row["message"], unread) if note) or None
    return {**energy_rows.columns(row, measured), "unread": unread, "message": message}


def _ratio(tried: Sequence[Trial]) -> dict[str, Any]:
    """t_reference / t_case with its interval, and the noise floor of the same rounds."""
    both = [
        (t.samples, t.block.reference, t.outcome.neuron)
        for t in tried
        if paired(t.samples, t.block.reference)
    ]
    if not both:
        return {"ratio": None, "ratio_low": None, "ratio_high": None, "noise_floor": None}
    interval = intervals.combine([pairs(samples, reference, name) for samples, reference, name in both])
    again = intervals.combine([pairs(samples, reference, reference or "") for samples, reference, _ in both])
    ratio, low, high = interval.ratios()
    return {"ratio": ratio, "ratio_low": low, "ratio_high": high, "noise_floor": intervals.noise_floor(again)}
