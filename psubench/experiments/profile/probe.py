"""What happens during a call? One neuron in one worker process: build, gate, record with torch.profiler."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from msgspec import convert
from msgspec.structs import asdict
from torch.profiler import ProfilerActivity, profile, schedule

from psubench import neurons
from psubench.devices import Device, open_device
from psubench.devices.process_state import ProcessState
from psubench.errors import UnsupportedError
from psubench.experiments.profile import ranges, trace
from psubench.experiments.profile.plan import CALLS, TRACES
from psubench.measure import inputs, subjects
from psubench.measure.gate import Witness, complain
from psubench.measure.job import AtWork
from psubench.measure.subject import Subject
from psubench.records import profiled
from psubench.records.events import Failed
from psubench.records.outcomes import GatedOutcome, Spikes
from psubench.records.run import ProfileCase, case_of

WAIT, WARMUP = 1, 1
"""Calls before those that are recorded; during the latter the profiler is on already."""


@dataclass
class ProfileProbe(AtWork):
    """State of a worker while it profiles."""

    def run(self) -> profiled.Profiled:
        """Profiles one neuron; returns its record, in which a failure has a status and a message."""
        ((key, name, text, mode),) = self.job.entries
        case = self.job.case
        device = open_device(case["device"], T=case["T"], phase=case["phase"], seed=self.job.seed)
        if device.name == "scripted":
            raise UnsupportedError("the scripted device runs nothing", "profile with --device cpu or cuda")
        given = inputs.make(case, self.job.seed)
        x = given.x.to(device.torch_device, getattr(torch, case["dtype"]))
        device.settle(inputs.layer_bytes(case, x))
        outcome = GatedOutcome.begun(key, name)
        mark = partial(self.mark, name, "profile")
        found: profiled.Profile | None = None
        try:
            self.mark(name, "gate")
            ref = neurons.parse(text)
            subject = subjects.build(case, ref, mode, given, x, self.job.seed, mark)
            found = self._gated(subject, outcome, device, f"{_plain(name)}-{key[:4]}")
        except BaseException as error:  # the boundary of the worker: a plug-in may raise anything
            outcome.fail(error)
            self.say(Failed(name, outcome.status, outcome.message))
            found = None
        told = case_of(case)
        assert isinstance(told, ProfileCase)
        return profiled.Profiled(
            case=told,
            process=self.job.process,
            note=given.note,
            device=device.describe(),
            cases=[profiled.ProfiledOutcome(**asdict(outcome), profile=found)],
        )

    def _gated(self, subject: Subject, outcome: GatedOutcome, device: Device, name: str) -> profiled.Profile:
        """The profile of a neuron that passes the gate, and is the same after it."""
        import torch._dynamo  # noqa: F401  # the profiler imports it, and it replaces functions of torch

        state = ProcessState()
        doubt = subject.check()
        outcome.activity = Spikes(**subject.activity())
        outcome.output = subject.output
        outcome.notes = subject.seen.notes(inference=subject.inference)
        witness = Witness.of(subject)
        state.put_back()
        found = self._profile(subject, device, name)
        witness.check_unchanged(outcome.activity)
        complain(outcome.neuron, state.put_back(), "while it is profiled")
        outcome.verified, outcome.doubt = doubt is None, doubt
        return found

    def _profile(self, subject: Subject, device: Device, name: str) -> profiled.Profile:
        """Times some calls without the profiler, records as many with it, and sums up the trace."""
        on_device = device.torch_device.startswith("cuda")
        mark = partial(self.mark, self.job.entries[0][1], "profile")
        folder = Path(self.job.folder or ".")
        path = folder / TRACES / name / f"{name}.pt.trace.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_device else [])]
        plan = schedule(wait=WAIT, warmup=WARMUP, active=CALLS, repeat=1)

        def sample() -> int:
            mark()
            return device.sample(name, call, 1).wall_ns

        with subject.grad_mode():
            call = subject.call()
            sample()
            bare = [sample() for _ in range(CALLS)]
            with (
                ranges.named(subject) as layers,
                profile(
                    activities=activities, schedule=plan, profile_memory=True,
                    on_trace_ready=lambda profiler: _export(profiler, path),
                ) as profiler,
            ):  # fmt: skip
                for _ in range(WAIT + WARMUP + CALLS):
                    sample()
                    profiler.step()
        mark()
        described = [
            {"title": layer.title, "layer": layer.name, "role": layer.role, "kind": layer.kind}
            for layer in layers
        ]
        sums = trace.summarise(trace.read(path), described, on_device=on_device)
        about = {"trace": str(path.relative_to(folder)), "bare_ns": bare}
        return convert({**about, **sums}, profiled.Profile)


def _export(profiler: profile, path: Path) -> None:
    """Writes the trace; a file of this name is complete."""
    unfinished = path.with_name(f".{path.name}")
    try:
        profiler.export_chrome_trace(str(unfinished))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _plain(text: str) -> str:
    """A neuron's text as a file name: `lif [step]` is lif-step, `path/file.py:Name` file.py-Name."""
    return re.sub(r"[^\w.=@]+", "-", text.rsplit("/", 1)[-1]).strip("-")
