"""Trainings into one folder: plan, lock, resume, record. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from psubench import data
from psubench.devices import device_lock, worker_environment
from psubench.errors import CASE_FAILED, PsubenchError
from psubench.neurons import OWN
from psubench.records import jsonl
from psubench.records import recorder as records_recorder
from psubench.records.run import End, Planned, Run, case_of
from psubench.records.structs import build
from psubench.records.trained import Epoch, Trained
from psubench.runs import header
from psubench.training import processes, torchrun
from psubench.training.case import Training

Event = Mapping[str, Any]


class Watcher(Protocol):
    """Told how trainings go on; shows it or does not."""

    def plan(self, trainings: int, epochs: int) -> None:
        """So many trainings, and so many epochs of all of them, are to come."""

    def begin(self, title: str, epoch: int, epochs: int) -> None:
        """A training begins, or goes on after an epoch."""

    def step(self, title: str, event: Event) -> None:
        """How far an epoch is: `epoch`, `done` of 1, `loss`, `accuracy`, `samples_per_second`."""

    def epoch(self, title: str, event: Event) -> None:
        """An epoch has ended: what `loop.Trainer.train` returns, and `test`."""

    def end(self, title: str, event: Event) -> None:
        """A training has ended: the fields of an `Outcome`."""

    def message(self, text: str) -> None:
        """A sentence for the user."""


@dataclass
class Campaign:
    """Trainings into one folder.

    Attributes:
        command: that asked for them, "train" or "accuracy".
        folder: where `run.jsonl` and `checkpoints` stand or will stand.
        resume: go on with what is there, rather than refuse to touch it.
        jobs: trainings at the same time.
    """

    command: str
    cases: Sequence[Training]
    folder: Path
    resume: bool
    jobs: int
    watcher: Watcher
    _told: dict[str, int] = field(default_factory=dict)

    def run(self) -> bool:
        """Trains what the record lacks; False when Ctrl-C ended it.

        Raises:
            PsubenchError: the folder holds a run and `resume` is not set, the run was made in another
                environment or with another plug-in file, or the record cannot be written.
        """
        path = self.folder / jsonl.NAME
        if torchrun.follows():
            return self._follow(path)
        self._done(path)  # refuses now, not after waiting for the device
        with (
            device_lock(self.cases[0].device, self.watcher.message),
            records_recorder.Recorder(path) as recorder,  # from here on nobody else writes the record
        ):
            done = self._done(path)
            return self._record(recorder, [case for case in self.cases if case.key not in done])

    def _record(self, recorder: records_recorder.Recorder, due: Sequence[Training]) -> bool:
        recorder.append(self._header())
        self.watcher.plan(len(due), sum(case.recipe.epochs for case in due))
        try:
            self._train(due, lambda case, event: self._heard(recorder, case, event))
        except KeyboardInterrupt:
            recorder.append(End(status="interrupted"))
            return False
        recorder.append(End(status="complete"))
        return True

    def _train(self, due: Sequence[Training], on_event: Callable[[Training, dict[str, Any]], None]) -> None:
        if torchrun.launched():
            self._here(due, on_event)
        else:
            processes.each([(case, self.checkpoints(case)) for case in due], self.jobs, on_event)

    def _here(self, due: Sequence[Training], on_event: Callable[[Training, dict[str, Any]], None]) -> None:
        """In this process, which trains together with others."""
        from psubench.training.session import Work

        for case in due:
            outcome = Work(case, self.checkpoints(case), partial(on_event, case)).run()
            on_event(case, {"event": "end", **asdict(outcome)})

    def _follow(self, path: Path) -> bool:
        """The part of a process that writes nothing: it trains what the writing one trains."""
        self.resume = True  # the record that may be there already is the writing process's
        done = self._done(path)

        def on_event(case: Training, event: dict[str, Any]) -> None:
            if event.get("status", "ok") != "ok":
                raise PsubenchError(f"{case.title}: {event['message']}", "mend it and resume", CASE_FAILED)

        self._here([case for case in self.cases if case.key not in done], on_event)
        return True

    def checkpoints(self, case: Training) -> Path:
        """The folder of a training's checkpoints."""
        return self.folder / "checkpoints" / case.folder

    def _heard(self, recorder: records_recorder.Recorder, case: Training, event: dict[str, Any]) -> None:
        """Records what a training tells before its next epoch is shown."""
        kind = event.pop("event")
        if kind == "epoch":
            if event["epoch"] > self._told.get(case.key, 0):  # a resumed training tells its epochs again
                self._told[case.key] = event["epoch"]
                recorder.append(build({"type": "training", "key": case.key, **event}))
                self.watcher.epoch(case.title, event)
        elif kind == "end":
            # Of a process that died nothing is known but how.
            unknown = dict.fromkeys(("test", "activity", "peak_memory_bytes", "parameters"))
            recorder.append(build({"type": "trained", "key": case.key, **unknown, **event}))
            self.watcher.end(case.title, event)
        elif kind == "begin":
            self.watcher.begin(case.title, event["epoch"], event["epochs"])
        elif kind == "step":
            self.watcher.step(case.title, event)
        else:
            self.watcher.message(f"{case.title}: {event['text']}")

    def _done(self, path: Path) -> set[str]:
        """Keys of the trainings that need not be done again."""
        if not jsonl.begun(path):
            return set()
        header.refuse_unless_resumed(self.folder, resume=self.resume)
        records = jsonl.read(path)
        header.check_resumable(records, self._header(), self.folder)
        self._told |= {one.key: one.epoch for one in records if isinstance(one, Epoch)}
        # What failed after the last epoch is in the message; it is tried again.
        ends = {one.key: one for one in records if isinstance(one, Trained)}
        return {key for key, one in ends.items() if one.status == "ok" and one.message is None}

    def _header(self) -> Run:
        first = self.cases[0]
        refs = [ref for case in self.cases for ref in (case.model, case.data, case.neuron) if ref.is_plugin]
        cases = [
            Planned(
                key=case.key,
                case=case_of(case.canonical()),
                label=case.neuron.label,
                note=data.note(case.data, case.T),
            )
            for case in self.cases
        ]
        return header.header(
            first.device,
            [ref.kind for ref in refs if ref.kind != OWN],
            cases,
            command=self.command,
            settings={"jobs": self.jobs},
            worker_environment=worker_environment(first.threads, first.device),
        )
