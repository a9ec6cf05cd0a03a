"""Records of trainings to numbers: pure functions, no torch. What is computed here is stored nowhere."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct
from msgspec.structs import replace

from psubench.records.bounds import NO_SPIKES, Amount, Count, Output, Positive, Status
from psubench.records.outcomes import labelled
from psubench.records.rows import Share
from psubench.records.run import Planned, Run, TrainingCase
from psubench.records.structs import Record
from psubench.records.trained import Epoch, Tested, Trained, Work
from psubench.training.recipe import TIMES


class TrainingRow(Struct, kw_only=True, frozen=True, tag_field="kind", tag="training"):
    """A neuron on a data set, over its seeds; or a single training, whose seed is the only one.

    Attributes:
        note: what was done to the data.
        curves: the epochs of each seed.
        verified, doubt: whether a reference has confirmed the spikes of every seed, and why not.
        output: kind of the neuron's outputs.
        time: what the training makes of the steps, one of `TIMES`.
        by_seed: accuracy of every seed that ended well.
        key, epochs_done, loss: of a single training.
    """

    JSON_ONLY: ClassVar = ("seeds",)
    HIDDEN: ClassVar = (
        *("spike_energy_pj_per_sample", "by_seed", "time", "note", "recipe", "curves", "verified", "doubt"),
        *("output", "key", "epochs_done", "loss"),
    )

    model: str
    data: str
    neuron: str
    implementation: str
    label: str
    T: Positive
    epochs: Positive
    device: str
    threads: Positive
    status: Status
    accuracy: Annotated[Share | None, Meta(description="on the test split, mean over the seeds")]
    accuracy_sd: Annotated[Amount | None, Meta(description="between seeds; null for one")]
    n: Count
    test_samples: Count | None
    train_accuracy: Share | None
    firing_rate: Share | None
    spikes_per_sample: Amount | None
    sop_eff_per_sample: Amount | None
    energy_pj_per_sample: Amount | None
    dynamics_energy_pj_per_sample: Amount | None
    spike_energy_pj_per_sample: Amount | None
    energy_model: str | None
    policy: str | None
    epoch_s: Amount | None
    data_s: Amount | None
    samples_per_s: Amount | None
    parameters: Count | None
    peak_memory_bytes: Count | None
    message: str | None
    run_id: str
    seeds: list[Count]
    note: str | None
    recipe: dict[str, Any]
    curves: list[list[Epoch]]
    verified: bool | None
    doubt: str | None
    output: Output | None
    time: str
    by_seed: dict[int, float]
    key: str = ""
    epochs_done: int = 0
    loss: float | None = None
    mismatch: ClassVar[None] = None


def trainings(records: Sequence[Record]) -> list[TrainingRow]:
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


def _row(planned: Planned, run_id: str, epochs: Mapping[int, Epoch], end: Trained | None) -> TrainingRow:
    case = planned.case
    assert isinstance(case, TrainingCase)
    last = epochs[max(epochs)] if epochs else None
    status: Status = "interrupted"
    message: str | None = "the run ended before the training did"
    if end is not None:
        status, message = end.status, end.message
    result = end if end is not None and status == "ok" else None
    output = end.output if end else None
    spiking = result is None or output not in NO_SPIKES
    test, work = (result.test, result.activity) if result else (None, None)
    return TrainingRow(
        **{name: getattr(case, name) for name in case.__struct_fields__ if name != "seed"},
        seeds=[case.seed],
        n=int(result is not None),
        key=planned.key,
        **_named(planned.label, output, case.recipe.get("time", "kept")),
        by_seed={case.seed: test.correct / test.samples} if test else {},
        note=planned.note,
        status=status,
        message=message,
        run_id=run_id,
        epochs=case.recipe["epochs"],
        epochs_done=max(epochs, default=0),
        verified=end.verified if end else None,
        doubt=_doubt(end),
        accuracy=test.correct / test.samples if test else None,
        accuracy_sd=None,
        test_samples=test.samples if test else None,
        train_accuracy=last.accuracy if result and last else None,
        loss=last.loss if result and last else None,
        firing_rate=test.firing_rate if test and spiking else None,
        spikes_per_sample=_spikes(test, case) if test and spiking else None,
        **_work(work),
        parameters=result.parameters if result else None,
        peak_memory_bytes=result.peak_memory_bytes if result else None,
        **_times(epochs),
        curves=[[epochs[epoch] for epoch in sorted(epochs)]],
    )


def _named(label: str, output: str | None, time: str) -> dict[str, Any]:
    """The label, which names outputs other than spikes and what is made of the time; and both."""
    mark = f" ({TIMES[time]})" if TIMES.get(time) else ""
    return {"label": labelled(label, output) + mark, "output": output, "time": time}


def _doubt(end: Trained | None) -> str | None:
    """Why no reference has confirmed the spikes, and remarks on how they were evaluated."""
    return None if end is None else "; ".join(filter(None, (end.doubt, *end.notes))) or None


def _spikes(test: Tested, case: TrainingCase) -> float:
    """Spikes of all layers per sample and pass: a stochastic neuron is run several times per sample."""
    passes = case.recipe["eval_samples"] if case.neuron.startswith("spsn") else 1
    spikes: int = sum(test.spikes.values())
    return spikes / float(test.samples * passes)


def _work(work: Work | None) -> dict[str, Any]:
    """What the counter found, per sample."""
    names = ("sop_eff", "energy_pj", "dynamics_energy_pj", "spike_energy_pj")
    return {
        **{f"{name}_per_sample": _per_sample(work, name) for name in names},
        "energy_model": work.energy_model if work else None,
        "policy": work.policy if work else None,
    }


def _per_sample(work: Work | None, name: str) -> float | None:
    """A total of the counter per sample; None where it is unknown."""
    total = getattr(work, name, None)
    if work is None or total is None or not work.n_samples:
        return None
    return float(total / work.n_samples)


def _times(epochs: Mapping[int, Epoch]) -> dict[str, Any]:
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


_SAME = ("model", "data", "neuron", "implementation", "T", "recipe", "device", "threads")
_MEANS = (
    "train_accuracy", "firing_rate", "spikes_per_sample", "sop_eff_per_sample", "energy_pj_per_sample",
    "dynamics_energy_pj_per_sample", "spike_energy_pj_per_sample", "epoch_s", "data_s", "samples_per_s",
)  # fmt: skip


def summary(trainings: Sequence[TrainingRow]) -> list[TrainingRow]:
    """One row per model, data, neuron, T and recipe: over the seeds that ended well.

    Accuracy has mean, sample standard deviation (None for one seed) and n; the firing rate, time and work
    are means over the same seeds, unknown if one is; the memory is the largest that is known. `status` is
    "ok" if every seed's is; `message` tells what went wrong, also after the last epoch of one that is.
    """
    groups: dict[str, list[TrainingRow]] = {}
    for one in trainings:
        groups.setdefault(repr([getattr(one, name) for name in _SAME]), []).append(one)
    return [_summed(group) for group in groups.values()]


def _summed(group: Sequence[TrainingRow]) -> TrainingRow:
    good = [one for one in group if one.status == "ok"]
    example = good[0] if good else group[0]
    values = [one.accuracy for one in good if one.accuracy is not None]
    verified = [one.verified for one in good]
    messages = [f"seed {one.seeds[0]}: {one.message}" for one in group if one.message]
    means: dict[str, Any] = {name: _mean([getattr(one, name) for one in good]) for name in _MEANS}
    return replace(
        example,
        **means,
        run_id=group[0].run_id,
        label=group[0].label,
        output=group[0].output,
        status=next((one.status for one in group if one.status != "ok"), "ok"),
        message="; ".join(messages) or None,
        verified=all(verified) if verified and None not in verified else None,
        doubt=next((one.doubt for one in good if one.doubt), None),
        accuracy=statistics.fmean(values) if values else None,
        accuracy_sd=statistics.stdev(values) if len(values) > 1 else None,
        n=len(good),
        seeds=[one.seeds[0] for one in good],
        by_seed={seed: accuracy for one in good for seed, accuracy in one.by_seed.items()},
        peak_memory_bytes=max(
            (one.peak_memory_bytes for one in good if one.peak_memory_bytes is not None), default=None
        ),
        curves=[one.curves[0] for one in group],
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known and len(known) == len(values) else None
