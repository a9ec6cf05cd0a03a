"""Records of trainings to numbers: pure functions, no torch. What is computed here is stored nowhere."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from psubench.records.outcomes import labelled
from psubench.records.run import Planned, Run, TrainingCase
from psubench.records.structs import Record, plain
from psubench.records.trained import Epoch, Tested, Trained, Work


def trainings(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row per planned training, in the order of the plan.

    `accuracy` is that on the test split after the last epoch, never that of the best epoch, which would
    have been chosen by the test split. A training that has not ended is `interrupted` and has none.
    """
    plan: dict[str, tuple[Planned, str]] = {}
    epochs: dict[str, dict[int, Epoch]] = {}
    ends: dict[str, Trained] = {}
    for record in records:
        if isinstance(record, Run):
            for planned in record.cases:
                plan.setdefault(planned.key, (planned, record.run_id))
        elif isinstance(record, Epoch):
            epochs.setdefault(record.key, {})[record.epoch] = record
        elif isinstance(record, Trained):
            ends[record.key] = record
    return [_row(*planned, epochs.get(key, {}), ends.get(key)) for key, planned in plan.items()]


def _row(planned: Planned, run_id: str, epochs: Mapping[int, Epoch], end: Trained | None) -> dict[str, Any]:
    case = planned.case
    assert isinstance(case, TrainingCase)
    last = epochs[max(epochs)] if epochs else None
    status: str = "interrupted"
    message: str | None = "the run ended before the training did"
    if end is not None:
        status, message = end.status, end.message
    result = end if end is not None and status == "ok" else None
    spiking = result is None or result.output != "analog"
    test, work = (result.test, result.activity) if result else (None, None)
    return {
        **plain(case),
        "key": planned.key,
        "label": labelled(planned.label, end.output if end else None),
        "output": end.output if end else None,
        "note": planned.note,
        "status": status,
        "message": message,
        "run_id": run_id,
        "epochs": case.recipe["epochs"],
        "epochs_done": max(epochs, default=0),
        "verified": end.verified if end is not None else None,
        "doubt": ("; ".join(filter(None, (end.doubt, *end.notes))) or None) if end is not None else None,
        "accuracy": test.correct / test.samples if test else None,
        "test_samples": test.samples if test else None,
        "train_accuracy": last.accuracy if result and last else None,
        "loss": last.loss if result and last else None,
        "firing_rate": test.firing_rate if test and spiking else None,
        "spikes_per_sample": _spikes(test, case) if test and spiking else None,
        "sop_eff_per_sample": _per_sample(work, "sop_eff"),
        "energy_pj_per_sample": _per_sample(work, "energy_pj"),
        "dynamics_energy_pj_per_sample": _per_sample(work, "dynamics_energy_pj"),
        "energy_model": work.energy_model if work else None,
        "policy": work.policy if work else None,
        "parameters": result.parameters if result else None,
        "peak_memory_bytes": result.peak_memory_bytes if result else None,
        **_times(epochs),
        "curve": [epochs[epoch] for epoch in sorted(epochs)],
    }


def _spikes(test: Tested, case: TrainingCase) -> float:
    """Spikes of all layers per sample and pass: a stochastic neuron is run several times per sample."""
    passes = case.recipe["eval_samples"] if case.neuron.startswith("spsn") else 1
    spikes: int = sum(test.spikes.values())
    return spikes / float(test.samples * passes)


def _per_sample(work: Work | None, name: str) -> float | None:
    """A total of the counter per sample; None where it is unknown."""
    total = getattr(work, name, None)
    if work is None or total is None or not work.n_samples:
        return None
    return float(total / work.n_samples)


def _times(epochs: Mapping[int, Epoch]) -> dict[str, float | None]:
    """Medians over epochs, in seconds; the first, in which everything is set up, counts only if alone."""
    if not epochs:
        return {"epoch_s": None, "data_s": None, "samples_per_s": None}
    later = [epochs[e] for e in sorted(epochs)][1:] or list(epochs.values())
    seconds = statistics.median(e.seconds for e in later)
    return {
        "epoch_s": seconds,
        "data_s": statistics.median(e.data_seconds for e in later),
        "samples_per_s": later[0].samples / seconds,
    }


_SAME = ("kind", "model", "data", "neuron", "implementation", "T", "recipe", "device", "threads")


def summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per model, data, neuron, T and recipe: over the seeds that ended well.

    Accuracy has mean, sample standard deviation (None for one seed) and n; the firing rate, time and work
    are means over the same seeds, unknown if one is; the memory is the largest that is known. `status` is
    "ok" if every seed's is; `message` tells what went wrong, also after the last epoch of one that is.
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(repr([row[name] for name in _SAME]), []).append(row)
    return [_summed(group) for group in groups.values()]


def _summed(group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    good = [row for row in group if row["status"] == "ok"]
    bad = [row for row in group if row["status"] != "ok"]
    values, verified = [row["accuracy"] for row in good], [row["verified"] for row in good]

    def mean(name: str) -> float | None:
        found = [row[name] for row in good]
        return statistics.fmean(found) if found and None not in found else None

    return {
        **{name: group[0][name] for name in (*_SAME, "label", "output", "note", "epochs", "run_id")},
        "status": bad[0]["status"] if bad else "ok",
        "message": "; ".join(f"seed {row['seed']}: {row['message']}" for row in group if row["message"])
        or None,
        "verified": all(verified) if verified and None not in verified else None,
        "doubt": next((row["doubt"] for row in good if row["doubt"]), None),
        "accuracy": statistics.fmean(values) if values else None,
        "accuracy_sd": statistics.stdev(values) if len(values) > 1 else None,
        "n": len(good),
        "seeds": [row["seed"] for row in good],
        "test_samples": good[0]["test_samples"] if good else None,
        "energy_model": good[0]["energy_model"] if good else None,
        "policy": good[0]["policy"] if good else None,
        "peak_memory_bytes": max(
            (row["peak_memory_bytes"] for row in good if row["peak_memory_bytes"] is not None), default=None
        ),
        **{name: mean(name) for name in _MEANS},
        "parameters": good[0]["parameters"] if good else None,
        "curves": [row["curve"] for row in group],
    }


_MEANS = (
    "train_accuracy", "firing_rate", "spikes_per_sample", "sop_eff_per_sample", "energy_pj_per_sample",
    "dynamics_energy_pj_per_sample",
    "epoch_s", "data_s", "samples_per_s",
)  # fmt: skip
