"""How long does a neuron or a network take? One block in one worker process: build, gate, measure."""

from __future__ import annotations

import random
import statistics
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
from psubench.devices.process_state import ProcessState
from psubench.errors import WrongError
from psubench.measure import inputs, subjects
from psubench.measure.contestants import Contestant, SpoiledError
from psubench.measure.copy_speed import Copies
from psubench.measure.feed import Feed
from psubench.measure.first_calls import alive, first_calls, graphs
from psubench.measure.gate import Guard, Witness, complain
from psubench.measure.job import AtWork
from psubench.measure.mismatch import mismatch
from psubench.measure.rounds import Interleaver, Limits, Measurement
from psubench.measure.subject import Subject, runs_without_inference
from psubench.records.events import Failed, Live
from psubench.records.measured import AGAIN, Block, Energy
from psubench.records.outcomes import GatedOutcome, Spikes
from psubench.records.run import case_of

TELL_SECONDS = 0.25


class Measured(Protocol):
    """What a measurement returns: `measure.Measurement` or `windows.Windows`."""

    def problem(self, label: str) -> BaseException | None:
        """Why a contestant has no result; None if it has one."""

    def remove(self, label: str, failure: BaseException) -> None:
        """Removes a contestant that failed."""

    def fields(self) -> dict[str, Any]:
        """Its part of the record."""


@dataclass
class Probe(AtWork):
    """State of a worker while it measures its block."""

    record: ClassVar[type[Block | Energy]] = Block
    device: Device = field(init=False)
    given: inputs.Inputs = field(init=False)
    x: Tensor = field(init=False)
    feed: Feed = field(init=False)
    guard: Guard = field(init=False)
    roof: Copies | None = None
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
        self.feed = Feed(self.x, strict=self.job.strict)
        self.x = self.feed.given[0]
        outcomes = [GatedOutcome.begun(key, name) for key, name, *_ in self.job.entries]
        admitted: dict[str, Witness] = {}
        for outcome, (_, name, text, mode) in zip(outcomes, self.job.entries, strict=True):
            witness = self._admit(outcome, text, mode)
            if witness is not None:
                admitted[name] = witness
        contestants = [
            Contestant(name, one.call, one.prepare, one.check, mode=one.subject.grad_mode, draws=one.draws)
            for name, one in admitted.items()
        ]
        self.roof = self._roof(admitted)
        self.guard = Guard(self.feed, strict=self.job.strict)
        reference = self.job.reference
        with torch.inference_mode(case["phase"] == "infer"):
            self.guard.begin()
            measured = self._measure(contestants, reference if reference in admitted else None)
            self._settle(outcomes, admitted, measured)
        return self._record(outcomes, measured)

    def _admit(self, outcome: GatedOutcome, text: str, mode: str) -> Witness | None:
        """Builds a subject and lets it through the gate; None if it does not pass.

        Raises:
            SpoiledError: it has left what cannot be put back.
        """
        mark = partial(self.mark, outcome.neuron, "gate")
        mark()
        state, witness = ProcessState(), None
        try:
            build = partial(
                subjects.build, self.job.case, neurons.parse(text), mode, self.given, self.x, self.job.seed,
                mark, self.feed.given[1],
            )  # fmt: skip
            try:
                witness = self._through(outcome, build(), state)
            except Exception as error:
                if self.job.case["phase"] == "train" or not runs_without_inference(error):
                    raise
                witness = self._again(outcome, build, state, error)
        except BaseException as error:  # the boundary of the worker: a plug-in may raise anything
            outcome.fail(error)
        outcome.verified = outcome.doubt is None if witness is not None else outcome.verified
        self.feed.put_back()
        changes = state.put_back()
        if changes.left:
            complain(outcome.neuron, changes, "after it was built and called")
        if witness is None:
            self._tell(outcome)
        return witness

    def _through(self, outcome: GatedOutcome, subject: Subject, state: ProcessState) -> Witness:
        """Lets a subject through the gate and writes down what is seen of it."""
        subject.load(self.job.checkpoint)
        state.put_back()  # what it set when it was built; as it was, it is compared and timed
        with self._building(outcome, subject):
            outcome.doubt = subject.check()
            outcome.activity = Spikes(**subject.activity())
            run = partial(subject.run, self.x)
            outcome.mismatch = mismatch(subject.ref, self.job.case["T"], subject.layers, run)
            outcome.output = subject.output
            outcome.notes = subject.seen.notes(inference=subject.inference)
            return Witness.of(subject, self.feed)

    def _again(
        self, outcome: GatedOutcome, build: Callable[..., Subject], state: ProcessState, why: Exception
    ) -> Witness:
        """Under `no_grad`; raises `why` if it does not run there either."""
        self.feed.put_back()
        try:
            return self._through(outcome, build(inference=False), state)
        except WrongError:
            raise
        except Exception:
            raise why from None

    def _roof(self, admitted: dict[str, Witness]) -> Copies | None:
        """Of one layer; what a network must move at least is not known."""
        moved = {name: witness.subject.least_bytes() for name, witness in admitted.items()}
        known = {name: count for name, count in moved.items() if count is not None}
        return Copies(self.device, self.feed.given, known) if known else None

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
            self.guard,
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
        self.say(Live(ratios, len(so_far.order)))

    def _settle(self, outcomes: list[GatedOutcome], admitted: dict[str, Witness], measured: Measured) -> None:
        """Blames who failed while being measured; who has changed since the gate loses its result."""
        for outcome in outcomes:
            if outcome.neuron not in admitted:
                continue
            witness = admitted[outcome.neuron]
            problem = measured.problem(outcome.neuron) or self._changed(outcome, witness, measured)
            if outcome.compile is not None:
                outcome.compile.recompiles = graphs(witness.subject.layers) - outcome.compile.graphs
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

    def _changed(self, outcome: GatedOutcome, witness: Witness, measured: Measured) -> BaseException | None:
        """Why the result of a neuron that ran to the end does not count."""
        mark = partial(self.mark, outcome.neuron, "measure")
        mark()
        try:
            self._check_speed(witness, measured, outcome.neuron)
            witness.check_swapped(self.feed)
            witness.check_memory(self.device, self.feed)
            witness.check_unchanged(outcome.activity)
            self.feed.check()
            self.guard.after(outcome.neuron)
        except SpoiledError:
            raise
        except BaseException as error:  # the boundary of the worker
            return error
        finally:
            self.feed.put_back()
        return None

    def _check_speed(self, witness: Witness, measured: Measured, name: str) -> None:
        """Nothing can read its input and write its spikes faster than both are copied."""
        if self.roof is None or not isinstance(measured, Measurement) or self.device.name == "scripted":
            return  # the scripted device invents its times
        copy_ns, times = self.roof.fastest_ns(), measured.device_ns or measured.wall_ns
        if copy_ns is None or not times.get(name):
            return
        copy_ns *= len(witness.subject.x) / len(self.x)  # what knows no time gets one step
        ns = statistics.median(times[name]) / measured.loops / (2 if witness.subject.train else 1)
        if ns < copy_ns:
            raise WrongError(
                f"a pass takes {ns / 1000:.3g} µs and a copy of its input {copy_ns / 1000:.3g} µs:"
                " it cannot have computed its spikes"
            )

    def _tell(self, outcome: GatedOutcome) -> None:
        self.say(Failed(outcome.neuron, outcome.status, outcome.message))

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
