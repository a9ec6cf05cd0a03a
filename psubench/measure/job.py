"""What the parent asks of a worker, in words that need no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from psubench.records.events import Told


class Job(Struct, frozen=True, kw_only=True):
    """One block, in one process.

    Attributes:
        probe: "module:Class" of what runs it; only the worker imports it.
        case: what the entries share, as `Case.canonical` gives it.
        entries: case key, name in the block, neuron text and mode.
        reference: name of the entry that the others are compared with; None if it has failed before.
        process: number of the replicate, from 0; it seeds the order of the rounds.
        precision, max_seconds: of the rounds that time.
        max_memory: bytes that the worker may allocate.
        windows: fields of `windows.Windowing`, of the rounds that measure energy.
        folder: of the run, for traces.
        checkpoint: where the weights of networks come from; None for fresh ones.
        strict: whether everything is compared after every sample: somebody has spoiled a worker before.
        cases: of a job over several blocks, in place of `case`, the block of each entry.
    """

    probe: str
    case: dict[str, Any]
    entries: list[tuple[str, str, str, str]]
    reference: str | None
    process: int
    seed: int
    precision: float
    max_seconds: float
    max_memory: int
    windows: dict[str, Any] | None = None
    folder: str | None = None
    checkpoint: str | None = None
    strict: bool = False
    cases: list[dict[str, Any]] = []


@dataclass
class AtWork:
    """What a worker has while it does a job; each kind of run adds its own `run`.

    Attributes:
        mark: called with what is about to run (name of the entry and stage), so that the parent knows what to
            blame.
        say: sends an event to the parent.
    """

    job: Job
    mark: Callable[[str, str], None]
    say: Callable[[Told], None]
