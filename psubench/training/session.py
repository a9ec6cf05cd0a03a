"""A training from its first epoch, or from its newest checkpoint, to its last."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch

from psubench.records.bounds import Status
from psubench.records.failures import classify
from psubench.training import checkpoint, weights
from psubench.training.case import Training
from psubench.training.distributed import group
from psubench.training.energy_estimate import counted
from psubench.training.evaluate import tested
from psubench.training.loop import Trainer
from psubench.training.network import set_lambda

Result = TypeVar("Result")
Say = Callable[[dict[str, Any]], None]
"""Told events: `begin`, `step`, `epoch`, `message`, `end`."""


@dataclass
class Outcome:
    """What became of a training.

    Attributes:
        status: "ok", or why there is no result: "failed", "oom", "unsupported".
        message: one line about a status that is not ok, or about what could not be counted or written
            of a training that is.
        test: what `evaluate.tested` found with the weights of the last epoch.
        activity: what `activity.counted` found with the same weights.
        peak_memory_bytes: allocated on a GPU; on the processor, resident beyond what the process held
            before the network was built.
        parameters: numbers that the optimizer changes.
    """

    status: Status = "ok"
    message: str | None = None
    test: Mapping[str, Any] | None = None
    activity: Mapping[str, Any] | None = None
    peak_memory_bytes: int | None = None
    parameters: int | None = None


@dataclass
class Work:
    """One training.

    Attributes:
        case: what is trained.
        folder: of its checkpoints.
        say: told how it goes on; only in the process that writes.
        curve: what every epoch so far gave.
        lost: what failed after the last epoch, in sentences; the result is kept.
    """

    case: Training
    folder: Path
    say: Say
    curve: list[dict[str, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def run(self) -> Outcome:
        """Trains to the last epoch; what goes wrong is the outcome, and no exception."""
        before = _resident_bytes()
        try:
            return self._run(before)
        except Exception as error:
            return Outcome(*classify(error))

    def _run(self, before: int | None) -> Outcome:
        case = self.case
        torch.set_num_threads(case.threads)
        if case.recipe.deterministic != torch.are_deterministic_algorithms_enabled():
            torch.use_deterministic_algorithms(case.recipe.deterministic)  # imports a lot when called
        with group(case.device) as (together, name):
            device = torch.device(name)
            trainer = Trainer(case, together, device)
            writes = together.rank == 0
            say: Say = self.say if writes else lambda _: None
            self._resume(trainer, say)
            say({"event": "begin", "epochs": case.recipe.epochs, "epoch": trainer.epoch})
            while trainer.epoch < case.recipe.epochs:
                epoch = trainer.train(lambda event: say({"event": "step", **event}))
                epoch["test"] = tested(trainer.network, case, together, device)
                self.curve.append(epoch)
                say({"event": "epoch", **epoch})
                state = {**trainer.state(), "curve": self.curve}
                if writes and trainer.epoch < case.recipe.epochs:
                    checkpoint.save(self.folder, state)
                elif writes:
                    self._tried(partial(checkpoint.save, self.folder, state))
            set_lambda(trainer.network, case, case.recipe.epochs)
            test = tested(trainer.network, case, together, device)
            peak = _peak_bytes(device, before)  # counting needs more than training
            found = None
            if writes:
                file, module = self.folder / checkpoint.WEIGHTS, trainer.network.module
                self._tried(partial(weights.export, file, module, case, trainer.epoch))
                found = self._tried(partial(counted, trainer.network, case, device))
            return Outcome(
                message="; ".join(self.lost) or None,
                test=test,
                activity=found,
                peak_memory_bytes=peak,
                parameters=sum(p.numel() for p in trainer.network.module.parameters() if p.requires_grad),
            )

    def _tried(self, last: Callable[[], Result]) -> Result | None:
        """Does what comes after the last epoch; its failure is told, and takes no result with it."""
        try:
            return last()
        except Exception as error:
            told = classify(error)[1]
            self.lost.append(told)
            self.say({"event": "message", "text": told})
            return None

    def _resume(self, trainer: Trainer, say: Say) -> None:
        """Goes on from the newest checkpoint that is whole, if there is one."""
        state = None
        if trainer.group.rank == 0:
            state = checkpoint.newest(self.folder, lambda text: say({"event": "message", "text": text}))
        state = trainer.group.from_first(state)
        if state is None:
            return
        weights.check_case(state["case"], self.case.canonical(), self.folder)
        trainer.restore(state)
        self.curve = state["curve"]
        for epoch in self.curve:  # the record may lack what was trained just before a kill
            say({"event": "epoch", **epoch})


def _resident_bytes() -> int | None:
    """Memory of this process now; None where the system does not report it."""
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
