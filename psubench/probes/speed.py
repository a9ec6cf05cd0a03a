"""How long does a neuron take? One block in one worker process: build, gate, measure."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from psubench import neurons, plugins
from psubench.data import currents
from psubench.devices import Device, open_device
from psubench.errors import NeuronError, PsubenchError, UnsupportedError
from psubench.measure import Contestant, Interleaver, Limits, Measurement
from psubench.neurons import NeuronRef
from psubench.probes.gate import Gate, WrongError
from psubench.record import AGAIN

TELL_SECONDS = 0.25
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "bad_alloc")


@dataclass(frozen=True)
class Job:
    """What the parent asks of a worker: one block, in one process.

    Attributes:
        case: what the entries share, as `Case.canonical` gives it.
        entries: pairs of case key and neuron text.
        reference: the neuron that the others are compared with; None if it has failed before.
        process: number of the replicate, from 0; it seeds the order of the rounds.
        precision, max_seconds: of the rounds that time.
        windows: fields of `windows.Windowing`, of the rounds that measure energy.
    """

    case: dict[str, Any]
    entries: list[tuple[str, str]]
    reference: str | None
    process: int
    seed: int
    precision: float
    max_seconds: float
    windows: dict[str, Any] | None = None


class Measured(Protocol):
    """What a measurement gives: `measure.Measurement` or `windows.Windows`."""

    def problem(self, label: str) -> Exception | None:
        """Why a contestant has no result; None if it has one."""

    def remove(self, label: str, failure: Exception) -> None:
        """Takes out a contestant that failed."""

    def fields(self) -> dict[str, Any]:
        """Its part of the record."""


@dataclass
class Outcome:
    """What became of one case; goes into the record as it stands."""

    key: str
    neuron: str
    status: str = "ok"
    message: str | None = None
    verified: bool | None = None
    activity: dict[str, Any] | None = None

    def fail(self, error: BaseException) -> None:
        """Turns whatever a neuron raised into a status and one line."""
        self.status, self.message = classify(error)
        self.verified = False if self.status == "wrong" else None


def classify(error: BaseException) -> tuple[str, str]:
    """Status and message of a case that raised."""
    text, named = " ".join(str(error).split()), plugins.one_line(error)
    if isinstance(error, WrongError):
        return "wrong", text
    if isinstance(error, UnsupportedError | NeuronError):
        return "unsupported", text
    if isinstance(error, PsubenchError):
        return "failed", text
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or any(s in text for s in OUT_OF_MEMORY):
        return "oom", named
    return "failed", named


@dataclass
class Probe:
    """State of a worker while it measures its block.

    Attributes:
        mark: told what is about to run (neuron and stage), so that the parent knows whom to blame.
        say: sends an event to the parent.
    """

    job: Job
    mark: Callable[[str, str], None]
    say: Callable[[dict[str, Any]], None]
    record_type: ClassVar[str] = "block"
    device: Device = field(init=False)
    x: Tensor = field(init=False)
    note: str | None = field(init=False)
    _told: float = 0.0

    def run(self) -> dict[str, Any]:
        """Measures the block; returns its record."""
        case = self.job.case
        self.device = open_device(
            case["device"], T=case["T"], phase=case["phase"], seed=self.job.seed + self.job.process
        )
        x, self.note = currents(
            case["data"], T=case["T"], batch=case["batch"], size=case["size"], seed=self.job.seed
        )
        self.x = x.to(self.device.torch_device, getattr(torch, case["dtype"]))
        outcomes = [Outcome(key, text) for key, text in self.job.entries]
        modules = {o.neuron: m for o in outcomes if (m := self._admit(o)) is not None}
        with torch.inference_mode(case["phase"] == "infer"):
            measured = self._measure(self._contestants(modules), self._reference(modules))
        self._settle(outcomes, modules, measured)
        return self._record(outcomes, measured)

    def _admit(self, outcome: Outcome) -> nn.Module | None:
        """Builds a neuron and lets it through the gate; None if it does not pass."""
        self.mark(outcome.neuron, "gate")
        try:
            ref = neurons.parse(outcome.neuron)
            module, reference = self._build(ref)
            train = self.job.case["phase"] == "train"
            mark = partial(self.mark, outcome.neuron, "gate")
            gate = Gate(module, reference, neurons.causal(ref), train, self.job.seed, mark)
            spikes = gate.check(self.x)
        except Exception as error:  # the worker's border: a plug-in may raise anything
            outcome.fail(error)
            self._tell(outcome)
            return None
        outcome.verified = reference is not None
        outcome.activity = activity(spikes)
        return module

    def _build(self, ref: NeuronRef) -> tuple[nn.Module, nn.Module | None]:
        torch.manual_seed(self.job.seed)  # the same weights in every process and phase
        T = self.job.case["T"]
        module = neurons.build(ref, T).to(self.device.torch_device, self.x.dtype)
        reference = neurons.build_reference(ref, T)
        module.train(self.job.case["phase"] == "train")
        if reference is not None:
            reference.to("cpu", torch.float64).train(module.training)
            weights = {name: value.to("cpu", torch.float64) for name, value in module.state_dict().items()}
            reference.load_state_dict(weights)
        return module, reference

    def _contestants(self, modules: dict[str, nn.Module]) -> list[Contestant]:
        call = self._training if self.job.case["phase"] == "train" else self._inference
        return [Contestant(neuron, call(module)) for neuron, module in modules.items()]

    def _reference(self, modules: dict[str, nn.Module]) -> str | None:
        return self.job.reference if self.job.reference in modules else None

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

    def _inference(self, module: nn.Module) -> Callable[[], object]:
        x = self.x
        return lambda: module(x)

    def _training(self, module: nn.Module) -> Callable[[], object]:
        """Forward and backward. The loss is linear in the spikes, so its gradient is a fixed tensor.

        `autograd.grad` returns fresh gradients and accumulates none, so there is nothing to clear.
        """
        x = self.x.detach().requires_grad_(True)
        generator = torch.Generator().manual_seed(self.job.seed)
        cotangent = torch.randn(x.shape, generator=generator).to(x.device, x.dtype)
        leaves = [x, *(p for p in module.parameters() if p.requires_grad)]
        return lambda: torch.autograd.grad(module(x), leaves, cotangent, allow_unused=True)

    def _progress(self, so_far: Measurement) -> None:
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

    def _settle(self, outcomes: list[Outcome], modules: dict[str, nn.Module], measured: Measured) -> None:
        """Blames who failed while being measured; who has changed since the gate loses its result."""
        for outcome in outcomes:
            if outcome.neuron not in modules:
                continue
            problem = measured.problem(outcome.neuron) or self._changed(outcome, modules[outcome.neuron])
            if problem is not None:
                outcome.fail(problem)
                measured.remove(outcome.neuron, problem)
                self._tell(outcome)

    def _changed(self, outcome: Outcome, module: nn.Module) -> Exception | None:
        mark = partial(self.mark, outcome.neuron, "gate")
        try:
            spikes = Gate(module, None, None, False, self.job.seed, mark).spikes(self.x)
        except Exception as error:  # the worker's border
            return error
        if activity(spikes) == outcome.activity:
            return None
        return WrongError("after being measured it gives other spikes than before")

    def _tell(self, outcome: Outcome) -> None:
        self.say(
            {"event": "case", "neuron": outcome.neuron, "status": outcome.status, "message": outcome.message}
        )

    def _record(self, outcomes: list[Outcome], measured: Measured) -> dict[str, Any]:
        return {
            "type": self.record_type,
            "case": self.job.case,
            "process": self.job.process,
            "reference": self.job.reference,
            "note": self.note,
            "cases": [asdict(outcome) for outcome in outcomes],
            **measured.fields(),
            "device": self.device.describe(),
        }


def activity(spikes: Tensor) -> dict[str, Any]:
    """Exact counts of one output [T, B, *]: spikes, neuron-steps, and a hash of where the spikes are."""
    fired = (spikes != 0).cpu().numpy()
    return {
        "spikes": int(fired.sum()),
        "neuron_steps": int(fired.size),
        "spike_hash": hashlib.sha256(np.packbits(fired).tobytes()).hexdigest()[:16],
    }
