"""Records to numbers: pure functions, no torch. Statistics are computed here and stored nowhere."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psubench import intervals, joules
from psubench.intervals import Interval
from psubench.neurons.checks import NO_REFERENCE
from psubench.record import AGAIN, MEMORY

Record = Mapping[str, Any]
_MEASURED = ("block", "energy")


def times(block: Record) -> Mapping[str, Sequence[float]]:
    """Samples per neuron in ns: the device's clock where the block has it, else wall time.

    Of an energy record, gross joules per call: what its ratios compare.
    """
    if block["type"] == "energy":
        return joules.per_call(block)
    samples: Mapping[str, list[int]] = block.get("device_ns") or block.get("wall_ns") or {}
    return samples


def block_ratios(block: Record) -> dict[str, Interval]:
    """Per neuron log(t_reference / t_neuron) in one process; the reference is compared with itself."""
    samples = times(block)
    if not _paired(block):
        return {}
    reference = block["reference"]
    return {
        name: intervals.over_rounds(_pairs(samples, reference, name)) for name in samples if name != AGAIN
    }


def _paired(block: Record) -> bool:
    """Whether the block has rounds in which its reference was measured twice."""
    samples = times(block)
    return bool(samples.get(AGAIN)) and bool(samples.get(block["reference"]))


def _pairs(samples: Mapping[str, Sequence[float]], reference: str, name: str) -> Any:
    return intervals.log_ratios(samples[reference], samples[AGAIN if name == reference else name])


class Trial(NamedTuple):
    """One case in one process: its outcome, the block that it was measured in, and the run."""

    outcome: Record
    block: Record
    run_id: str


def finished(records: Iterable[Record]) -> set[tuple[str, int | str]]:
    """(case key, process) pairs that are `ok` and need not be measured again; `MEMORY` for peak memory."""
    return {
        (outcome["key"], record.get("process", MEMORY))
        for record in records
        if record["type"] in (*_MEASURED, "activity", "profile", MEMORY)
        for outcome in record["cases"]
        if outcome["status"] == "ok"
    }


def rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row per planned case, in the order of the plan; `render.columns` says what the fields mean.

    A case that was planned and never measured is a row with status `interrupted`.
    """
    planned, found = trials(records)
    memory = {o["key"]: o for record in records if record["type"] == MEMORY for o in record["cases"]}
    return [
        _with_memory(_row(case, list(found.get(key, {}).values()), planned), memory.get(key))
        for key, case in planned.items()
    ]


def trials(records: Iterable[Record]) -> tuple[dict[str, Record], dict[str, dict[int, Trial]]]:
    """Planned cases by key, each with its run_id, and what was tried of them by key and process."""
    planned: dict[str, Record] = {}
    found: dict[str, dict[int, Trial]] = {}
    run_id = ""
    for record in records:
        if record["type"] == "run":
            run_id = record["run_id"]
            trained = record.get("settings", {}).get("checkpoint") is not None
            for case in record["cases"]:
                planned.setdefault(case["key"], {**case, "run_id": run_id, "trained": trained})
        elif record["type"] in _MEASURED:
            _collect(record, run_id, found)
    return planned, found


def _with_memory(row: dict[str, Any], outcome: Record | None) -> dict[str, Any]:
    """Adds the peak memory to a row that was timed, or why it is not known."""
    row["peak_memory_bytes"] = outcome.get("peak_memory_bytes") if outcome else None
    if outcome and outcome["status"] != "ok" and row["status"] == "ok":
        row["message"] = f"peak memory unknown: {outcome['status']}: {outcome['message']}"
    return row


def _collect(block: Record, run_id: str, trials: dict[str, dict[int, Trial]]) -> None:
    for outcome in block["cases"]:
        of_case = trials.setdefault(outcome["key"], {})
        before = of_case.get(block["process"])
        # A reference is measured again beside a case that is made up for; its first result stands.
        if before is None or before.outcome["status"] != "ok":
            of_case[block["process"]] = Trial(outcome, block, run_id)


def _row(planned: Record, trials: Sequence[Trial], plan: Mapping[str, Record]) -> dict[str, Any]:
    reference = plan[planned["reference"]]
    status, message = status_of(trials, planned.get("skip"))
    row = {
        **planned["case"],
        "key": planned["key"],
        "label": planned["label"],
        "is_reference": planned["reference"] == planned["key"],
        "reference": reference["label"],
        "status": status,
        "message": message,
        "run_id": trials[-1].run_id if trials else planned["run_id"],
        "weights": "trained" if planned["trained"] else "untrained",
        **_activity(trials),
    }
    good = trials if status == "ok" else []
    if row["kind"] == "energy":
        return {**row, **_energy(row, good), **_ratio(good)}
    return {**row, **_speed(good), **_roof(good), **_ratio(good)}


def status_of(trials: Sequence[Trial], skip: str | None) -> tuple[str, str | None]:
    """Status and message of a case: ok when it was in every process that tried it."""
    if skip is not None:
        return "skipped", skip
    if not trials:
        return "interrupted", "planned, but the run ended before it was measured"
    bad = [trial for trial in trials if trial.outcome["status"] != "ok"]
    if not bad:
        notes = (trials[0].block.get("note"), _doubt(trials))
        return "ok", "; ".join(filter(None, notes)) or None
    message = bad[0].outcome["message"]
    if len(bad) < len(trials):
        message = f"in {len(bad)} of {len(trials)} processes: {message}"
    return bad[0].outcome["status"], message


def _doubt(trials: Sequence[Trial]) -> str | None:
    """Why a case is not verified, where the gate had a reference to ask."""
    doubts = (trial.outcome.get("doubt") for trial in trials)
    return next((f"unverified: {doubt}" for doubt in doubts if doubt and doubt != NO_REFERENCE), None)


def _activity(trials: Sequence[Trial]) -> dict[str, Any]:
    activity = next((t.outcome["activity"] for t in trials if t.outcome["activity"]), None)
    verified = [t.outcome["verified"] for t in trials]
    return {
        "verified": all(verified) if verified and None not in verified else None,
        "firing_rate": activity["spikes"] / activity["neuron_steps"] if activity else None,
        "spike_hash": activity["spike_hash"] if activity else None,
        "compile": next((c for t in trials if (c := t.outcome.get("compile"))), None),
    }


def _speed(trials: Sequence[Trial]) -> dict[str, Any]:
    """Seconds per call: percentiles over all samples of all processes."""
    if not trials:
        return {"median_s": None, "p05_s": None, "p95_s": None, "rounds": None, "processes": None}
    samples = [ns / (t.block["loops"] * 1e9) for t in trials for ns in times(t.block)[t.outcome["neuron"]]]
    # One sample is all of its percentiles; twentieths need two.
    p05, *_, p95 = statistics.quantiles(samples * (1 + (len(samples) == 1)), n=20, method="inclusive")
    median = statistics.median(samples)
    return {"median_s": median, "p05_s": p05, "p95_s": p95, "rounds": len(samples), "processes": len(trials)}


def _roof(trials: Sequence[Trial]) -> dict[str, Any]:
    """What a call must move, how fast copies of its input moved as much, and its share of that speed.

    Medians over processes; in each the copies lay between the rounds that gave the case its time.
    """
    shares, speeds, least = [], [], None
    for trial in trials:
        roof, name = trial.block.get("roof"), trial.outcome["neuron"]
        if not roof or not roof["copy_ns"] or name not in roof["least_bytes"]:
            continue
        least = roof["least_bytes"][name]
        speeds.append(1e9 * roof["copy_bytes"] * roof["copy_loops"] / statistics.median(roof["copy_ns"]))
        seconds = statistics.median(times(trial.block)[name]) / (trial.block["loops"] * 1e9)
        shares.append(least / seconds / speeds[-1])
    return {
        "least_bytes": least,
        "copy_bytes_per_s": statistics.median(speeds) if speeds else None,
        "copy_share": statistics.median(shares) if shares else None,
    }


def _energy(row: Record, trials: Sequence[Trial]) -> dict[str, Any]:
    """Joules, and in the message what could not be read."""
    measured = [(trial.outcome["neuron"], trial.block) for trial in trials]
    unread = joules.unread(measured)
    message = "; ".join(note for note in (row["message"], unread) if note) or None
    return {**joules.columns(row, measured), "unread": unread, "message": message}


def _ratio(trials: Sequence[Trial]) -> dict[str, Any]:
    """t_reference / t_case with its interval, and the noise floor of the same rounds."""
    trials = [trial for trial in trials if _paired(trial.block)]
    if not trials:
        return {"ratio": None, "ratio_low": None, "ratio_high": None, "noise_floor": None}
    both = [(times(t.block), t.block["reference"], t.outcome["neuron"]) for t in trials]
    interval = intervals.combine([_pairs(samples, reference, name) for samples, reference, name in both])
    again = intervals.combine([_pairs(samples, reference, reference) for samples, reference, _ in both])
    ratio, low, high = interval.ratios()
    return {"ratio": ratio, "ratio_low": low, "ratio_high": high, "noise_floor": intervals.noise_floor(again)}
