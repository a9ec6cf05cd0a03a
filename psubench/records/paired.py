"""From records of blocks to pairs: which case was tried where, and its samples beside its reference's.

Pure functions; no torch. Statistics are computed here and stored nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psubench.records.counted import Activity
from psubench.records.fingerprint import Fingerprints
from psubench.records.jsonl import MEMORY, WORK
from psubench.records.measured import AGAIN, IDLE, Block, Counter, Energy, Memory, Window
from psubench.records.outcomes import GatedOutcome
from psubench.records.profiled import Profiled
from psubench.records.run import Planned, Run
from psubench.records.structs import Outcomes, Record
from psubench.stats import intervals
from psubench.stats.intervals import Interval

Samples = Mapping[str, Sequence[float]]


def times(block: Block | Energy) -> Samples:
    """Samples per neuron in ns: the device's clock where the block has it, else wall time.

    For an energy record, gross joules per call, which its ratios compare.
    """
    if isinstance(block, Energy):
        return per_call(block.counters, block.windows)
    return block.device_ns or block.wall_ns


def energy_j(counters: Sequence[Counter], window: Window) -> float | None:
    """Joules of a window over all counters; None if one of them is unknown."""
    parts = []
    for count, counter in zip(window.counts, counters, strict=True):
        if count is None:
            return None
        parts.append(count * counter.unit_j)
    return sum(parts) if parts else None


def per_call(counters: Sequence[Counter], windows: Iterable[Window]) -> dict[str, list[float]]:
    """Gross joules per call by neuron: one entry for each round in which all windows could be read.

    So the entries of a round are paired, like those of a timing block.
    """
    rounds: dict[int | None, dict[str, float | None]] = {}
    for window in windows:
        if window.label != IDLE:
            joules = energy_j(counters, window)
            each = None if joules is None else joules / window.calls
            rounds.setdefault(window.round, {})[window.label] = each
    labels = list(dict.fromkeys(label for found in rounds.values() for label in found))
    samples: dict[str, list[float]] = {label: [] for label in labels}
    for found in rounds.values():
        values = [found.get(label) for label in labels]
        known = [value for value in values if value is not None]
        if len(known) == len(labels):
            for label, value in zip(labels, known, strict=True):
                samples[label].append(value)
    return samples


def block_ratios(block: Block | Energy) -> dict[str, Interval]:
    """Per neuron log(t_reference / t_neuron) in one process; the reference is compared with itself."""
    samples, reference = times(block), block.reference
    if not paired(samples, reference):
        return {}
    return {name: intervals.over_rounds(pairs(samples, reference, name)) for name in samples if name != AGAIN}


def paired(samples: Samples, reference: str | None) -> bool:
    """Whether there are rounds in which a reference was measured twice."""
    return reference is not None and bool(samples.get(AGAIN)) and bool(samples.get(reference))


def pairs(samples: Samples, reference: str | None, name: str) -> Any:
    """log(t_reference / t_neuron) of every round; of the reference, that to its own second sample."""
    assert reference is not None
    return intervals.log_ratios(samples[reference], samples[AGAIN if name == reference else name])


class Trial(NamedTuple):
    """One case in one process: its outcome, the block that it was measured in, and the run.

    Attributes:
        samples: `times` of the block, computed once for all its cases.
    """

    outcome: GatedOutcome
    block: Block | Energy
    run_id: str
    samples: Samples

    @property
    def loops(self) -> int:
        """Calls per sample; joules come per call."""
        return self.block.loops if isinstance(self.block, Block) else 1


class Plan(NamedTuple):
    """A planned case, and the run that planned it first; `trained`: whether that run read weights."""

    planned: Planned
    run_id: str
    trained: bool


def finished(records: Iterable[Record]) -> set[tuple[str, int | str]]:
    """(case key, process) pairs that are `ok` and need not be measured again; also of the other passes."""
    return {
        (outcome.key, _process(record))
        for record in records
        if isinstance(record, Block | Energy | Activity | Profiled | Memory | Fingerprints)
        for outcome in record.cases
        if outcome.status == "ok"
    }


def _process(record: Outcomes) -> int | str:
    match record:
        case Memory():
            return MEMORY
        case Fingerprints():
            return WORK
    return record.process


def trials(records: Iterable[Record]) -> tuple[dict[str, Plan], dict[str, dict[int, Trial]]]:
    """Planned cases by key, each with its run, and their trials by key and process."""
    plan: dict[str, Plan] = {}
    found: dict[str, dict[int, Trial]] = {}
    run_id = ""
    for record in records:
        if isinstance(record, Run):
            run_id = record.run_id
            trained = record.settings.get("checkpoint") is not None
            for planned in record.cases:
                plan.setdefault(planned.key, Plan(planned, run_id, trained))
        elif isinstance(record, Block | Energy):
            _collect(record, run_id, found)
    return plan, found


def _collect(block: Block | Energy, run_id: str, found: dict[str, dict[int, Trial]]) -> None:
    samples = times(block)
    for outcome in block.cases:
        of_case = found.setdefault(outcome.key, {})
        before = of_case.get(block.process)
        # A reference is measured again next to a case that is resumed; its first result stands.
        if before is None or before.outcome.status != "ok":
            of_case[block.process] = Trial(outcome, block, run_id, samples)


def status_of(tried: Sequence[Trial], skip: str | None) -> tuple[str, str | None]:
    """Status and message of a case: ok if it was ok in every process that tried it."""
    if skip is not None:
        return "skipped", skip
    if not tried:
        return "interrupted", "planned, but the run ended before it was measured"
    bad = [trial for trial in tried if trial.outcome.status != "ok"]
    if not bad:
        return "ok", tried[0].block.note
    message = bad[0].outcome.message
    if len(bad) < len(tried):
        message = f"in {len(bad)} of {len(tried)} processes: {message}"
    return bad[0].outcome.status, message


def ratios(tried: Sequence[Trial]) -> dict[str, Any]:
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
