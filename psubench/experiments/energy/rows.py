"""Energy records to joules: pure functions, no torch. The counts are the hardware's, nothing is estimated."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, NamedTuple

from msgspec import Meta

from psubench.experiments.paired import rows as paired_rows
from psubench.experiments.paired.rows import Reference
from psubench.records.bounds import AboveZero, Amount, Count, Number, Output, Positive
from psubench.records.measured import IDLE, Energy, Window
from psubench.records.paired import Plan, Trial, energy_j, ratios, trials
from psubench.records.rows import CaseRow, Share
from psubench.records.structs import Record

_Joules = Annotated[AboveZero | None, Meta(description="measured, including the idle power")]
_Net = Annotated[Number | None, Meta(description="without the idle power; noise may make it negative")]


class EnergyRow(CaseRow, kw_only=True, frozen=True, tag_field="kind", tag="energy"):
    """A case whose joules were measured.

    Attributes:
        output: kind of the neuron's outputs.
        said: doubts and notes on a result, as clauses.
        unread: which windows could not be read, in a sentence.
    """

    AXES: ClassVar[Mapping[str, str]] = (
        {name: name for name in paired_rows.AXES if name != "run_id"}
        | {"counters": "counters", "run_id": "run"}
    )  # fmt: skip
    CLAIMS: ClassVar[Mapping[str, str]] = {
        "slower": "with more energy than", "faster": "with less energy than",
    }  # fmt: skip
    JSON_ONLY: ClassVar = ("key", "label", "firing_rate")
    HIDDEN: ClassVar = ("is_reference", "weights", "mismatch", "output", "said", "unread")

    reference: Reference
    gross_j_per_call: _Joules
    net_j_per_call: _Net
    gross_j_per_sample: _Joules
    net_j_per_sample: _Net
    gross_j_per_step: _Joules
    net_j_per_step: _Net
    power_w: AboveZero | None
    idle_w: Amount | None
    median_s: Annotated[AboveZero | None, Meta(description="seconds per call")]
    ratio: Annotated[AboveZero | None, Meta(description="reference / neuron; above 1 is faster or less")]
    ratio_low: Annotated[AboveZero | None, Meta(description="lower end of the 95 % interval")]
    ratio_high: AboveZero | None
    noise_floor: Annotated[Amount | None, Meta(description="smallest relative difference beyond noise")]
    windows: Count | None
    window_s: AboveZero | None
    processes: Positive | None
    counters: str | None
    resolution: Amount | None
    message: str | None
    run_id: str
    key: str
    label: str
    firing_rate: Annotated[Share | None, Meta(description="spikes per neuron and step")]
    is_reference: bool
    weights: str
    mismatch: float | None = None
    output: Output | None = None
    said: str | None = None
    unread: str | None = None


class Use(NamedTuple):
    """What one window says of one call of its contestant.

    Attributes:
        gross_j: joules per call, those of the idle machine included.
        net_j: the same without what the idle machine would have used in that time; None where no idle
            window beside it could be read. It may be negative, by noise, where a call uses next to nothing.
        seconds: per call.
        idle_w: power of the idle machine around the window, in watt.
    """

    gross_j: float
    net_j: float | None
    seconds: float
    idle_w: float | None


class Read(NamedTuple):
    """A window and its joules; None where a counter could not be read."""

    window: Window
    joules: float | None


@dataclass(frozen=True)
class Measure:
    """One energy record, its windows by label."""

    record: Energy
    by_label: Mapping[str, Sequence[Read]]

    def uses(self, label: str) -> list[Use]:
        """One entry per window of a contestant that could be read."""
        found = []
        for window, joules in self.by_label.get(label, ()):
            if joules is not None:
                seconds, calls = window.wall_ns / 1e9, window.calls
                idle_w = self._idle_power(window.round)
                net = None if idle_w is None else (joules - idle_w * seconds) / calls
                found.append(Use(joules / calls, net, seconds / calls, idle_w))
        return found

    def _idle_power(self, number: int | None) -> float | None:
        """Watt, mean of the idle windows before and after a round as far as they could be read."""
        before = number - 1 if number else None
        powers = [
            joules / (window.wall_ns / 1e9)
            for window, joules in self.by_label.get(IDLE, ())
            if window.round in (before, number) and joules is not None
        ]
        return statistics.fmean(powers) if powers else None


@dataclass
class Measures:
    """Energy records, each taken apart once for all its cases."""

    _known: dict[int, Measure] = field(default_factory=dict)

    def of(self, record: Any) -> Measure:
        """The measure of an energy record, which the caller keeps alive."""
        if id(record) not in self._known:
            by_label: dict[str, list[Read]] = {}
            for window in record.windows:
                by_label.setdefault(window.label, []).append(Read(window, energy_j(record.counters, window)))
            self._known[id(record)] = Measure(record, by_label)
        return self._known[id(record)]


def rows(records: Sequence[Record]) -> list[EnergyRow]:
    """One row per planned case, in the order of the plan.

    A case that was planned and never measured is a row with status `interrupted`.
    """
    plan, found = trials(records)
    measures = Measures()
    return [_row(case, found, plan, measures) for case in plan.values()]


def _row(
    case: Plan, found: Mapping[str, Mapping[int, Trial]], plan: Mapping[str, Plan], measures: Measures
) -> EnergyRow:
    """Joules, and in the message what could not be read."""
    fields, tried = paired_rows.fields(case, found, plan), [*found.get(case.planned.key, {}).values()]
    good = tried if fields["status"] == "ok" else []
    measured = [(trial.outcome.neuron, measures.of(trial.block)) for trial in good]
    lost = unread(measured)
    fields["message"] = "; ".join(note for note in (fields["message"], lost) if note) or None
    return EnergyRow(**fields, **_joules(fields, measured), **ratios(good), unread=lost)


def _joules(case: Mapping[str, Any], measured: Sequence[tuple[str, Measure]]) -> dict[str, Any]:
    """The energy of a case: medians over all windows of all processes.

    Args:
        case: its axes; a call computes `batch` samples over `T` steps.
        measured: per process the neuron's label and its measure; empty for a case that failed.
    """
    found = [use for label, measure in measured for use in measure.uses(label)]
    gross, net = _median(use.gross_j for use in found), _median(use.net_j for use in found)
    windows = _windows(measured)
    return {
        **_scaled("gross", gross, case),
        **_scaled("net", net, case),
        "power_w": _median(use.gross_j / use.seconds for use in found),
        "idle_w": _median(use.idle_w for use in found),
        "median_s": _median(use.seconds for use in found),
        "windows": len(found) or None,
        "window_s": _median(w.wall_ns / 1e9 for w in windows),
        "processes": len(measured) or None,
        "counters": _names(measured),
        "resolution": _resolution(measured),
    }


def _scaled(name: str, call: float | None, case: Mapping[str, Any]) -> dict[str, float | None]:
    """Joules per call, per sample of it, and per time step of its batch."""
    shares = {"call": 1, "sample": case["batch"], "step": case["T"]}
    return {f"{name}_j_per_{what}": None if call is None else call / share for what, share in shares.items()}


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _names(measured: Sequence[tuple[str, Measure]]) -> str | None:
    """`rapl:package-0 + rapl:package-0/dram`: what was summed."""
    texts = {
        " + ".join(f"{counter.source}:{counter.name}" for counter in measure.record.counters)
        for _, measure in measured
    }
    return "; ".join(sorted(texts)) or None


def _resolution(measured: Sequence[tuple[str, Measure]]) -> float | None:
    """Largest share of a window's joules that the steps of its counters leave open; None if unknown."""
    shares = []
    for label, measure in measured:
        steps = [counter.step_j for counter in measure.record.counters]
        known = [step for step in steps if step is not None]
        for _, joules in measure.by_label.get(label, ()):
            if joules and len(known) == len(steps):
                shares.append(sum(known) / joules)
    return max(shares, default=None)


def _windows(measured: Sequence[tuple[str, Measure]]) -> list[Window]:
    """The windows of a case, read or not."""
    return [read.window for label, measure in measured for read in measure.by_label.get(label, ())]


def unread(measured: Sequence[tuple[str, Measure]]) -> str | None:
    """A sentence about the windows of a case that could not be read; None if all could."""
    windows = _windows(measured)
    reasons = [window.reason for window in windows if window.reason]
    return f"{len(reasons)} of {len(windows)} windows could not be read: {reasons[0]}" if reasons else None
