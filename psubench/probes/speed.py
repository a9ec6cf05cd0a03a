"""How long does a neuron take? One block in one worker process: build, gate, measure."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from psubench import neurons, plugins
from psubench.data import currents
from psubench.devices import Device, open_device
from psubench.errors import NeuronError, PsubenchError, UnsupportedError
from psubench.measure import Contestant, Interleaver, Limits, Measurement
from psubench.neurons import NeuronRef
from psubench.probes.first_calls import first_calls
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
    """

    case: dict[str, Any]
    entries: list[tuple[str, str]]
    reference: str | None
    process: int
    seed: int
    precision: float
    max_seconds: float


@dataclass
class Outcome:
    """What became of one case; goes into the record as it stands."""

    key: str
    neuron: str
    status: str = "ok"
    message: str | None = None
    verified: bool | None = None
    activity: dict[str, Any] | None = None
    compile: dict[str, Any] | None = None

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
        measured = self._measure(modules)
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
            if ref.implementation in neurons.BUILT:
                mark_build = partial(self.mark, outcome.neuron, "build")
                outcome.compile = first_calls(module, (self.x, gate.probe(self.x)), train, mark_build)
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

    def _measure(self, modules: dict[str, nn.Module]) -> Measurement:
        train = self.job.case["phase"] == "train"
        call = self._training if train else self._inference
        contestants = [Contestant(neuron, call(module)) for neuron, module in modules.items()]
        reference = self.job.reference
        interleaver = Interleaver(
            self.device,
            Limits(self.job.precision, self.job.max_seconds),
            random.Random(f"{self.job.seed} {self.job.process}"),
            lambda label: self.mark(label, "measure"),
            self._progress,
        )
        with torch.inference_mode(not train):
            return interleaver.measure(contestants, reference if reference in modules else None)

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

    def _settle(self, outcomes: list[Outcome], modules: dict[str, nn.Module], measured: Measurement) -> None:
        """Blames who failed while being timed, and takes the time from who has changed since the gate."""
        for outcome in outcomes:
            if outcome.neuron not in modules:
                continue
            module = modules[outcome.neuron]
            problem = measured.failures.get(outcome.neuron) or self._changed(outcome, module)
            if outcome.compile is not None:
                outcome.compile["recompiles"] = module.graphs - outcome.compile["graphs"]
            if problem is None and not measured.order:
                problem = RuntimeError(f"no round was left: the device was throttled ({measured.dropped})")
            if problem is not None:
                outcome.fail(problem)
                measured.wall_ns.pop(outcome.neuron, None)
                measured.device_ns.pop(outcome.neuron, None)
                self._tell(outcome)

    def _changed(self, outcome: Outcome, module: nn.Module) -> Exception | None:
        mark = partial(self.mark, outcome.neuron, "gate")
        try:
            spikes = Gate(module, None, None, False, self.job.seed, mark).spikes(self.x)
        except Exception as error:  # the worker's border
            return error
        if activity(spikes) == outcome.activity:
            return None
        return WrongError("after being timed it gives other spikes than before")

    def _tell(self, outcome: Outcome) -> None:
        self.say(
            {"event": "case", "neuron": outcome.neuron, "status": outcome.status, "message": outcome.message}
        )

    def _record(self, outcomes: list[Outcome], measured: Measurement) -> dict[str, Any]:
        return {
            "type": "block",
            "case": self.job.case,
            "process": self.job.process,
            "reference": self.job.reference,
            "note": self.note,
            "cases": [asdict(outcome) for outcome in outcomes],
            "rounds": len(measured.order),
            "loops": measured.loops,
            "stopped": measured.stopped,
            "labels": measured.labels,
            "order": measured.order,
            "wall_ns": measured.wall_ns,
            "device_ns": measured.device_ns or None,
            "faults": measured.faults,
            "cpu_ns": measured.cpu_ns,
            "dropped": measured.dropped,
            "states": measured.states,
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
