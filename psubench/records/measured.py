"""Records of what was measured: samples of time, windows of energy, peaks of memory."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from msgspec import Meta, Struct

from psubench.records.bounds import AboveZero, Amount, Count, Positive
from psubench.records.outcomes import GatedOutcome, Outcome
from psubench.records.run import Case, EnergyCase, SpeedCase

AGAIN = "again"
"""Name of the reference's second sample in every round (A/A), beside the neurons."""
IDLE = "idle"
"""Name of the energy windows in which nothing runs, beside the neurons."""

Samples = dict[str, list[Positive]]


class CopyBandwidth(Struct, frozen=True, kw_only=True):
    """Bytes that a call of one layer must move, and times of copies of its input between the rounds."""

    least_bytes: Annotated[dict[str, Positive], Meta(description="by name in the block")]
    copy_bytes: Annotated[Positive, Meta(description="read and written by one copy")]
    copy_loops: Annotated[Positive, Meta(description="copies per sample")]
    copy_ns: list[Positive]


class _Measured(Struct, frozen=True, kw_only=True):
    process: Count
    reference: Annotated[str | None, Meta(description="name in the block; null if it had failed")]
    cases: list[GatedOutcome]
    note: str | None = None
    states: list[Any] = []
    roof: CopyBandwidth | None = None
    device: dict[str, Any] = {}
    elapsed_s: Amount | None = None

    def ok(self) -> list[str]:
        """The neurons that have a result."""
        return [outcome.neuron for outcome in self.cases if outcome.status == "ok"]

    def _compared(self, labels: Collection[str]) -> None:
        if AGAIN in labels and self.reference is None:
            raise ValueError("reference is null, though one was measured")


class Block(_Measured, frozen=True, kw_only=True, tag_field="type", tag="block"):
    """Raw samples of one block in one process, and the outcome of each case.

    Attributes:
        loops: calls per sample.
        order: per round, indices into `labels` in the order in which they ran.
        wall_ns, device_ns: integers per neuron and round, of `loops` calls.
        dropped: rounds that do not count, by reason: throttling, or what was changed in them.
    """

    case: SpeedCase
    rounds: Count
    loops: Count
    stopped: str | None = None
    labels: list[str] = []
    order: list[list[Count]] = []
    wall_ns: Samples
    device_ns: Samples | None
    faults: list[Count] = []
    cpu_ns: list[Count] = []
    dropped: dict[str, Count] = {}

    def __post_init__(self) -> None:
        self._compared(self.wall_ns)
        for clock, samples in (("wall_ns", self.wall_ns), ("device_ns", self.device_ns)):
            if samples is None:
                continue
            for name, of_neuron in samples.items():
                if len(of_neuron) != self.rounds:
                    raise ValueError(f"{clock}.{name} holds {len(of_neuron)} samples, not {self.rounds}")
            for name in [*self.ok(), *self.wall_ns]:
                if not samples.get(name) and self.rounds:
                    raise ValueError(f"{clock}.{name} is missing")
        if self.ok() and not (self.rounds and self.loops):
            raise ValueError("rounds or loops is 0, though a case is ok")


class Counter(Struct, frozen=True, kw_only=True):
    """Unit and resolution of one entry of a window's counts."""

    source: str
    name: str
    unit_j: AboveZero
    step_j: Amount | None
    period_s: Amount | None = None
    reason: str | None = None


class Window(Struct, frozen=True, kw_only=True):
    """One window between two readings of the counters.

    Attributes:
        label: a neuron, `again` or `idle`.
        counts: per counter, in its unit; None with a reason if it could not be read.
    """

    round: Count | None
    label: str
    calls: Count
    wall_ns: Positive
    counts: list[Count | Amount | None]
    reason: str | None

    def __post_init__(self) -> None:
        if None in self.counts and self.reason is None:
            raise ValueError("a count is null and reason is null too")
        if self.label != IDLE and not self.calls:
            raise ValueError("calls is 0 in a window of a neuron")
        if self.label != IDLE and self.round is None:
            raise ValueError("round is null in a window of a neuron")


class Energy(_Measured, frozen=True, kw_only=True, tag_field="type", tag="energy"):
    """Windows of energy of one block in one process."""

    case: EnergyCase
    counters: list[Counter]
    windows: list[Window]

    def __post_init__(self) -> None:
        for place, window in enumerate(self.windows):
            if len(window.counts) != len(self.counters):
                raise ValueError(f"windows[{place}] does not have one count per counter")
        labels = {window.label for window in self.windows}
        self._compared(labels)
        for name in self.ok():
            if name not in labels:
                raise ValueError(f"windows of {name} are missing")


class MemoryOutcome(Outcome, kw_only=True):
    """Peak memory of one case in bytes, above what is allocated before the call."""

    peak_memory_bytes: Count | None = None


class Memory(Struct, frozen=True, kw_only=True, tag_field="type", tag="memory"):
    """Peak memory of the cases of a block."""

    case: Case
    cases: list[MemoryOutcome]
    elapsed_s: Amount | None = None
