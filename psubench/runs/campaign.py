"""A run from its first record to its last: plan, environment, lock, resume, interruption."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from psubench.devices import device_lock
from psubench.errors import PsubenchError
from psubench.records import jsonl
from psubench.records.events import Watcher
from psubench.records.recorder import Recorder
from psubench.records.run import End
from psubench.runs import header
from psubench.runs.blocks import Blocks
from psubench.runs.trainings import Trainings

Work = Blocks | Trainings
"""What is run, and how: it says what is planned and runs what is due; `Campaign` does the rest."""


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
        exclusive = device_lock(self.work.device, self.watcher.message) if self.work.timed else nullcontext()
        with (
            exclusive,
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
        if not self.resume and not self.work.follows:  # what another process writes is of this very run
            raise PsubenchError(
                f"{self.folder} holds a run already", "continue it with --resume or choose another --out"
            )
        records = jsonl.read(path)
        header.check_resumable(records, self.work.header(), self.folder)
        self.work.resume(records)
