"""A run from its first record to its last: plan, environment, lock, resume, interruption."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from psubench.devices import device_lock
from psubench.records import jsonl
from psubench.records.events import Watcher
from psubench.records.recorder import Recorder
from psubench.records.run import End, Planned, Run
from psubench.records.structs import Record
from psubench.runs import header


class Work(Protocol):
    """What is run, and how: `blocks.Blocks` or `trainings.Trainings`."""

    @property
    def device(self) -> str:
        """Of all cases, as `devices.resolve` gives it."""

    @property
    def follows(self) -> bool:
        """Whether another process writes the record."""

    def planned(self) -> list[Planned]:
        """The cases, as the header has them."""

    def header(self) -> Run:
        """The first record."""

    def listed(self) -> list[dict[str, Any]]:
        """The plan for programs."""

    def lines(self, reports: Path) -> Iterator[str]:
        """The plan for people, who have earlier runs in the folder `reports`."""

    def check(self) -> None:
        """Raises PsubenchError for what can be known to fail."""

    def resume(self, records: Sequence[Record]) -> None:
        """Leaves out what a record holds."""

    def run(self, folder: Path, record: Callable[[Record], None], watcher: Watcher) -> None:
        """Runs the cases that are due, and records each before it is shown."""


@dataclass(frozen=True)
class Campaign:
    """Work that is done into one folder.

    Attributes:
        folder: where `run.jsonl` stands or will stand.
        resume: go on with the record that is there, rather than refuse to touch it.
    """

    work: Work
    folder: Path
    resume: bool
    watcher: Watcher

    def run(self) -> bool:
        """Runs what the record lacks; False when Ctrl-C ended it.

        Raises:
            PsubenchError: the folder holds a run and `resume` is not set, the run was made in another
                environment, with another seed, reference or plug-in file, or the record cannot be written.
        """
        path = self.folder / jsonl.NAME
        self._resume(path)  # refuses now, not after waiting for the device
        if self.work.follows:
            self.work.run(self.folder, lambda _: None, self.watcher)
            return True
        with (
            device_lock(self.work.device, self.watcher.message),
            Recorder(path) as recorder,  # from here on nobody else writes the record
        ):
            self._resume(path)
            recorder.append(self.work.header())
            try:
                self.work.run(self.folder, recorder.append, self.watcher)
            except KeyboardInterrupt:
                recorder.append(End(status="interrupted"))
                return False
            recorder.append(End(status="complete"))
            return True

    def _resume(self, path: Path) -> None:
        if not jsonl.begun(path):
            return
        # Where another process writes, the record is of this very run.
        header.refuse_unless_resumed(self.folder, resume=self.resume or self.work.follows)
        records = jsonl.read(path)
        header.check_resumable(records, self.work.header(), self.folder)
        self.work.resume(records)
