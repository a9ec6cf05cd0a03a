"""A training from its first epoch, or from its newest checkpoint, to its last."""

from __future__ import annotations

import multiprocessing as mp
import os
import resource
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch

from psubench.devices.cpu import RESET_PEAK
from psubench.devices.process_state import Changes, ProcessState
from psubench.errors import CASE_FAILED, PsubenchError
from psubench.records.bounds import Status
from psubench.records.events import Begin, Message, Recorded, Told
from psubench.records.failures import classify
from psubench.records.structs import build, plain
from psubench.training import checkpoint, weights
from psubench.training.case import Training
from psubench.training.checked import check
from psubench.training.distributed import group
from psubench.training.energy_estimate import counted
from psubench.training.evaluate import tested
from psubench.training.loop import Trainer
from psubench.training.network import set_lambda

Result = TypeVar("Result")
Say = Callable[[Told], None]


@dataclass
class Outcome:
    """The outcome of a training.

    Attributes:
        status: "ok", or why there is no result: "failed", "oom", "unsupported", "wrong".
        message: one line about a status that is not ok, or about what could not be counted or written
            of a training that is.
        test: what `evaluate.tested` found with the weights of the last epoch.
        activity: what `activity.counted` found with the same weights.
        peak_memory_bytes: allocated on a GPU; on the processor, resident beyond what the process held
            before the network was built.
        parameters: number of values that the optimizer changes.
        verified: whether the neuron's reference has confirmed the spikes of the trained network.
        doubt: why it has not.
        output: what its neurons give.
        notes: what else must be said of how it was tested.
    """

    status: Status = "ok"
    message: str | None = None
    test: Mapping[str, Any] | None = None
    activity: Mapping[str, Any] | None = None
    peak_memory_bytes: int | None = None
    parameters: int | None = None
    verified: bool | None = None
    doubt: str | None = None
    output: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class Work:
    """One training.

    Attributes:
        case: what is trained.
        folder: of its checkpoints.
        say: called with the progress; only in the process that writes.
        curve: the results of every epoch so far.
        lost: what failed after the last epoch, in sentences; the result is kept.
    """

    case: Training
    folder: Path
    say: Say
    curve: list[dict[str, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def run(self) -> Outcome:
        """Trains to the last epoch; a failure is an outcome, not an exception."""
        before = _resident_bytes()
        try:
            return self._run(before)
        except BaseException as error:  # a plug-in may raise anything; Ctrl-C is the parent's
            if isinstance(error, KeyboardInterrupt) and mp.parent_process() is None:
                raise  # the user's, of a training in the program's own process
            status, message = classify(error)
            return Outcome(status, message, verified=False if status == "wrong" else None)

    def recorded(self) -> Recorded:
        """Trains to the last epoch; what became of it, as a record."""
        try:
            return self._record("trained", asdict(self.run()))
        except ValueError as error:
            return self._record("trained", asdict(Outcome(*classify(error))))

    def _record(self, kind: str, found: Mapping[str, Any]) -> Recorded:
        """Raises ValueError for numbers that no record may hold."""
        return Recorded(plain(build({"type": kind, "key": self.case.key, **found})))

    def _run(self, before: int | None) -> Outcome:
        case = self.case
        torch.set_num_threads(case.threads)
        if case.recipe.deterministic != torch.are_deterministic_algorithms_enabled():
            torch.use_deterministic_algorithms(case.recipe.deterministic)  # imports a lot when called
        with group(case.device) as (together, name):
            device = torch.device(name)
            settings = ProcessState()
            trainer = Trainer(case, together, device)
            settings.put_back()  # what a plug-in sets when it is built would train everything else otherwise
            check(trainer.network, case, device, train=True)
            forget_peak(device)
            complain(settings.put_back())
            writes = together.rank == 0
            say: Say = self.say if writes else lambda _: None
            self._resume(trainer, say)
            say(Begin(trainer.epoch, case.recipe.epochs))
            while trainer.epoch < case.recipe.epochs:
                self._epoch(trainer, say, device)
            set_lambda(trainer.network, case, case.recipe.epochs)
            test = tested(trainer.network, case, together, device)
            peak = _peak_bytes(device, before)  # counting needs more than training
            checked = check(trainer.network, case, device, train=False)
            complain(settings.put_back())
            found = None
            if writes:
                file, module = self.folder / checkpoint.WEIGHTS, trainer.network.module
                self._tried(partial(weights.export, file, module, case, trainer.epoch))
                found = self._tried(partial(counted, trainer.network, case, checked.output, device))
            return Outcome(
                message="; ".join(self.lost) or None,
                test=test,
                activity=found,
                peak_memory_bytes=peak,
                parameters=sum(p.numel() for p in trainer.network.module.parameters() if p.requires_grad),
                verified=checked.doubt is None,
                **checked._asdict(),
            )

    def _epoch(self, trainer: Trainer, say: Say, device: torch.device) -> None:
        """One epoch, its test and its checkpoint."""
        epoch = trainer.train(say)
        epoch["test"] = tested(trainer.network, self.case, trainer.group, device)
        self.curve.append(epoch)
        say(self._record("training", epoch))
        state = {**trainer.state(), "curve": self.curve}
        if trainer.group.rank != 0:
            return
        if trainer.epoch < self.case.recipe.epochs:
            checkpoint.save(self.folder, state)
        else:
            self._tried(partial(checkpoint.save, self.folder, state))

    def _tried(self, last: Callable[[], Result]) -> Result | None:
        """Does the work after the last epoch; its failure is reported and does not lose the result."""
        try:
            return last()
        except Exception as error:
            told = classify(error)[1]
            self.lost.append(told)
            self.say(Message(told))
            return None

    def _resume(self, trainer: Trainer, say: Say) -> None:
        """Continues from the newest valid checkpoint, if there is one."""
        state = None
        if trainer.group.rank == 0:
            state = checkpoint.newest(self.folder, lambda text: say(Message(text)))
        state = trainer.group.from_first(state)
        if state is None:
            return
        weights.check_case(state["case"], self.case.canonical(), self.folder)
        trainer.restore(state)
        self.curve = state["curve"]
        for epoch in self.curve:  # the record may lack what was trained just before a kill
            say(self._record("training", epoch))


def complain(changes: Changes) -> None:
    """Raises PsubenchError for what a neuron has changed in its calls; a new call would change it again."""
    if found := [*changes.timed, *changes.left]:
        raise PsubenchError(
            f"the network or its neuron changes {', '.join(found)}", "leave that as it is", CASE_FAILED
        )


def forget_peak(device: torch.device) -> None:
    """What the gate has taken is not the training's."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text(RESET_PEAK)


def _resident_bytes() -> int | None:
    """Memory of this process now; None if the system does not report it."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _peak_bytes(device: torch.device, before: int | None) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if before is None or sys.platform != "linux":  # elsewhere the unit differs
        return None
    return max(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before)
