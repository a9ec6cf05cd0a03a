"""How long does a neuron or a network take? One block in one worker process: build, gate, measure."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from psubench import neurons
from psubench.devices import Device, open_device
from psubench.errors import WrongError
from psubench.measure import inputs
from psubench.measure import subject as measure_subject
from psubench.measure.copy_speed import Roof
from psubench.measure.first_calls import alive, first_calls, graphs
from psubench.measure.mismatch import mismatch
from psubench.measure.rounds import Contestant, Interleaver, Limits, Measurement
from psubench.measure.subject import Subject
from psubench.records.measured import AGAIN, Block, Energy
from psubench.records.outcomes import GatedOutcome, Spikes
from psubench.records.run import case_of

TELL_SECONDS = 0.25


@dataclass(frozen=True)
class Job:
    """What the parent asks of a worker: one block, in one process.

    Attributes:
        case: what the entries share, as `Case.canonical` gives it.
        entries: case key, name in the block, neuron text and mode.
        reference: name of the entry that the others are compared with; None if it has failed before.
        process: number of the replicate, from 0; it seeds the order of the rounds.
        precision, max_seconds: of the rounds that time.
        windows: fields of `windows.Windowing`, of the rounds that measure energy.
        folder: of the run, for traces.
        checkpoint: where the weights of networks come from; None for fresh ones.
    """

    case: dict[str, Any]
    entries: list[tuple[str, str, str, str]]
    reference: str | None
    process: int
    seed: int
    precision: float
    max_seconds: float
    windows: dict[str, Any] | None = None
    folder: str | None = None
    checkpoint: str | None = None


class Measured(Protocol):
    """What a measurement gives: `measure.Measurement` or `windows.Windows`."""

    def problem(self, label: str) -> Exception | None:
        """Why a contestant has no result; None if it has one."""

    def remove(self, label: str, failure: Exception) -> None:
        """Takes out a contestant that failed."""

    def fields(self) -> dict[str, Any]:
        """Its part of the record."""


@dataclass
class Probe:
    """State of a worker while it measures its block.

    Attributes:
        mark: told what is about to run (name of the entry and stage), so that the parent knows whom to
            blame.
        say: sends an event to the parent.
    """

    job: Job
    mark: Callable[[str, str], None]
    say: Callable[[dict[str, Any]], None]
    record: ClassVar[type[Block | Energy]] = Block
    device: Device = field(init=False)
    given: inputs.Inputs = field(init=False)
    x: Tensor = field(init=False)
    roof: Roof | None = None
    _told: float = 0.0

    def run(self) -> Block | Energy:
        """Measures the block; returns its record."""
        case = self.job.case
        self.device = open_device(
            case["device"], T=case["T"], phase=case["phase"], seed=self.job.seed + self.job.process
        )
        self.given = inputs.make(case, self.job.seed)
        self.x = self.given.x.to(self.device.torch_device, getattr(torch, case["dtype"]))
        self.device.settle(inputs.layer_bytes(case, self.x))
        outcomes = [GatedOutcome.begun(key, name) for key, name, *_ in self.job.entries]
        admitted: dict[str, Subject] = {}
        for outcome, (_, name, text, mode) in zip(outcomes, self.job.entries, strict=True):
            subject = self._admit(outcome, text, mode)
            if subject is not None:
                admitted[name] = subject
        contestants = [Contestant(name, subject.call()) for name, subject in admitted.items()]
        self.roof = self._roof(admitted)
        reference = self.job.reference
        with torch.inference_mode(case["phase"] == "infer"):
            measured = self._measure(contestants, reference if reference in admitted else None)
        self._settle(outcomes, admitted, measured)
        return self._record(outcomes, measured)

    def _admit(self, outcome: GatedOutcome, text: str, mode: str) -> Subject | None:
        """Builds a subject and lets it through the gate; None if it does not pass."""
        mark = partial(self.mark, outcome.neuron, "gate")
        mark()
        try:
            ref = neurons.parse(text)
            subject = measure_subject.build(self.job.case, ref, mode, self.given, self.x, self.job.seed, mark)
            subject.load(self.job.checkpoint)
            with self._building(outcome, subject):
                verified = subject.check()
            outcome.activity = Spikes(**subject.activity())
            outcome.mismatch = mismatch(ref, self.job.case["T"], subject.layers, lambda: subject.run(self.x))
        except Exception as error:  # the worker's border: a plug-in may raise anything
            outcome.fail(error)
            self._tell(outcome)
            return None
        outcome.verified = verified
        return subject

    def _roof(self, admitted: dict[str, Subject]) -> Roof | None:
        """Of one layer; what a network must move at least is not known."""
        moved = {name: subject.least_bytes() for name, subject in admitted.items()}
        known = {name: count for name, count in moved.items() if count is not None}
        return Roof(self.device, self.x, known) if known else None

    def _rng(self) -> random.Random:
        """Draws the order of the rounds."""
        return random.Random(f"{self.job.seed} {self.job.process}")

    def _measure(self, contestants: list[Contestant], reference: str | None) -> Measured:
        interleaver = Interleaver(
            self.device,
            Limits(self.job.precision, self.job.max_seconds),
            self._rng(),
            lambda label: self.mark(label, "measure"),
            self._progress,
        )
        return interleaver.measure(contestants, reference)

    def _progress(self, so_far: Measurement) -> None:
        if self.roof is not None:
            self.roof.sample()
        now = time.monotonic()
        if now - self._told < TELL_SECONDS:
            return
        self._told = now
        reference = self.job.reference
        if reference not in so_far.wall_ns or not so_far.order:
            return
        ratios = {
            name: so_far.log_ratio(reference, AGAIN if name == reference else name).ratios()
            for name in so_far.wall_ns
            if name != AGAIN
        }
        self.say({"event": "live", "ratios": ratios, "rounds": len(so_far.order)})

    def _settle(self, outcomes: list[GatedOutcome], admitted: dict[str, Subject], measured: Measured) -> None:
        """Blames who failed while being measured; who has changed since the gate loses its result."""
        for outcome in outcomes:
            if outcome.neuron not in admitted:
                continue
            subject = admitted[outcome.neuron]
            problem = measured.problem(outcome.neuron) or self._changed(outcome, subject)
            if outcome.compile is not None:
                outcome.compile.recompiles = graphs(subject.layers) - outcome.compile.graphs
            if problem is not None:
                outcome.fail(problem)
                measured.remove(outcome.neuron, problem)
                self._tell(outcome)

    @contextmanager
    def _building(self, outcome: GatedOutcome, subject: Subject) -> Iterator[None]:
        """Lets a neuron build or compile itself at its first calls, which may take longer than a timeout."""
        if subject.ref.implementation not in neurons.BUILT:
            yield
            return
        with alive(partial(self.mark, outcome.neuron, "build")):
            outcome.compile = first_calls(subject.first, subject.layers)
            yield
            if outcome.compile is not None:
                outcome.compile.graphs = graphs(subject.layers)

    def _changed(self, outcome: GatedOutcome, subject: Subject) -> Exception | None:
        try:
            now = Spikes(**subject.activity())
        except Exception as error:  # the worker's border
            return error
        if now == outcome.activity:
            return None
        return WrongError("after being measured it gives other spikes than before")

    def _tell(self, outcome: GatedOutcome) -> None:
        self.say(
            {"event": "case", "neuron": outcome.neuron, "status": outcome.status, "message": outcome.message}
        )

    def _record(self, outcomes: list[GatedOutcome], measured: Measured) -> Block | Energy:
        case: Any = case_of(self.job.case)
        return self.record(
            case=case,
            process=self.job.process,
            reference=self.job.reference,
            note=self.given.note,
            cases=outcomes,
            **measured.fields(),
            roof=self.roof.fields() if self.roof is not None and self.roof.ns else None,
            device=self.device.describe(),
        )
