"""How trainings are run: several at a time, each in a process of its own, or one together with torchrun's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from psubench import data
from psubench.errors import CASE_FAILED, PsubenchError
from psubench.neurons import OWN
from psubench.records.events import Lost, Message, Recorded, Shown, Told, Watcher
from psubench.records.run import Planned, Run, case_of
from psubench.records.structs import Record, build
from psubench.records.trained import Epoch, Trained
from psubench.runs import preflight, training_processes
from psubench.runs.header import header
from psubench.training import torchrun
from psubench.training.case import Training


@dataclass
class Trainings:
    """Trainings, run as a `campaign.Work`.

    Attributes:
        command: that asked for them, "train" or "accuracy".
        most: trainings at the same time; as many as there are cores for, or one per GPU, if None.
    """

    command: str
    cases: Sequence[Training]
    most: int | None
    _told: dict[str, int] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)

    @property
    def device(self) -> str:
        """Of all of them."""
        return self.cases[0].device

    @property
    def timed(self) -> bool:
        """Its epochs are."""
        return True

    @property
    def jobs(self) -> int:
        """Trainings at the same time."""
        most = 1
        if not self.device.startswith("cuda"):
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
            most = max(1, cores // self.cases[0].threads)
        return min(self.most or most, len(self.cases))

    @property
    def follows(self) -> bool:
        """Whether another process writes the record."""
        return torchrun.follows()

    def planned(self) -> list[Planned]:
        """The cases, as the header has them."""
        return [
            Planned(
                key=case.key, case=case_of(case.canonical()), label=case.neuron.label,
                note=data.note(case.data, case.T),
            )
            for case in self.cases
        ]  # fmt: skip

    def header(self) -> Run:
        """The first record."""
        refs = [ref for case in self.cases for ref in (case.model, case.data, case.neuron)]
        plugins = [ref.kind for ref in refs if ref.is_plugin and ref.kind != OWN]
        return header(
            self.device, plugins, self.planned(), threads=self.cases[0].threads,
            command=self.command, settings={"jobs": self.jobs},
        )  # fmt: skip

    def listed(self) -> list[dict[str, Any]]:
        """The plan for programs."""
        return [case.canonical() for case in self.cases]

    def lines(self, reports: Path) -> Iterator[str]:  # noqa: ARG002
        """The plan for people."""
        for case in self.cases:
            yield f"{case.title}: {case.model.name}, {case.recipe.epochs} epochs"
        yield f"{len(self.cases)} trainings, {self.jobs} at a time"

    def check(self) -> None:
        """Raises PsubenchError now, and not in every training, for what none of them can do."""
        needs = [
            preflight.Need(case.neuron.text, case.model.name, case.data.name, case.T, case.recipe.batch)
            for case in self.cases
        ]
        preflight.check(dict.fromkeys(needs), self.device)

    def resume(self, records: Sequence[Record]) -> None:
        """Leaves out what a record holds; what failed after the last epoch is tried again."""
        self._told = {one.key: one.epoch for one in records if isinstance(one, Epoch)}
        ends = {one.key: one for one in records if isinstance(one, Trained)}
        self._done = {key for key, one in ends.items() if one.status == "ok" and one.message is None}

    def run(self, folder: Path, record: Callable[[Record], None], watcher: Watcher) -> None:
        """Trains what is due; checkpoints lie in a folder each."""
        cases = [case for case in self.cases if case.key not in self._done]
        watcher.plan("trainings", len(cases), sum(case.recipe.epochs for case in cases))
        due = [(case, folder / "checkpoints" / case.folder) for case in cases]
        hear = partial(self._hear, record, watcher)
        if torchrun.launched():
            training_processes.together(due, hear)
        else:
            training_processes.each(due, self.jobs, hear)

    def _hear(self, record: Callable[[Record], None], watcher: Watcher, case: Training, event: Told) -> None:
        """Records what a training tells before it is shown."""
        if isinstance(event, Message):
            watcher.message(f"{case.title}: {event.text}")
            return
        shown: Told | Record = event
        if isinstance(event, Lost):
            shown = _died(case, event)
        elif isinstance(event, Recorded):
            shown = build(event.record)
        if isinstance(shown, Epoch):
            if shown.epoch <= self._told.get(case.key, 0):  # a resumed training tells its epochs again
                return
            self._told[case.key] = shown.epoch
        if isinstance(shown, Epoch | Trained):
            record(shown)
        if self.follows and isinstance(shown, Trained) and shown.status != "ok":
            raise PsubenchError(f"{case.title}: {shown.message}", "correct the cause and resume", CASE_FAILED)
        watcher.hear(case.title, cast("Shown", shown))


def _died(case: Training, event: Lost) -> Trained:
    """Of a training whose process died nothing is known but how."""
    return Trained(
        key=case.key, status=event.status, message=event.message,
        test=None, peak_memory_bytes=None, parameters=None,
    )  # fmt: skip
