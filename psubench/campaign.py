"""A run from its first record to its last: environment, plan, lock, resume, interruption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from psubench import headers, record
from psubench.devices import device_lock, worker_environment
from psubench.records.paired import finished
from psubench.records.run import End, Planned, Run, case_of
from psubench.runner import Runner, Settings, Watcher
from psubench.suite import Block


@dataclass(frozen=True)
class Campaign:
    """Blocks to be measured into one folder.

    Attributes:
        folder: where `run.jsonl` stands or will stand.
        resume: go on with the record that is there, rather than refuse to touch it.
        on_wait: told in a sentence that another run holds the device.
    """

    blocks: Sequence[Block]
    settings: Settings
    folder: Path
    resume: bool
    on_wait: Callable[[str], None]

    def run(self, watcher: Watcher) -> bool:
        """Measures what the record lacks; False when Ctrl-C ended it.

        Raises:
            PsubenchError: the folder holds a run and `resume` is not set, the run was made in another
                environment, with another seed, reference or plug-in file, or the record cannot be written.
        """
        path = self.folder / record.NAME
        self._done(path)  # refuses now, not after waiting for the device
        with device_lock(self.blocks[0].case.device, self.on_wait):
            done = self._done(path)
            with record.Recorder(path) as recorder:
                return self._record(Runner(self.settings, recorder, watcher, done))

    def _record(self, runner: Runner) -> bool:
        runner.recorder.append(self._header())
        try:
            runner.run(self.blocks)
        except KeyboardInterrupt:
            runner.recorder.append(End(status="interrupted"))
            return False
        runner.recorder.append(End(status="complete"))
        return True

    def _done(self, path: Path) -> set[tuple[str, int | str]]:
        if not record.begun(path):
            return set()
        headers.refuse_unless_resumed(self.folder, resume=self.resume)
        records = record.read(path)
        before, now = headers.last(records), self._header()
        for what in ("psubench", "seed", "environment"):
            headers.check_same(what, getattr(before, what), getattr(now, what), self.folder)
        weights = before.settings.get("checkpoint"), now.settings["checkpoint"]
        headers.check_same("the weights of", weights[0], weights[1], self.folder)
        headers.check_same_where_both("the plug-in", before.plugins, now.plugins, self.folder)
        references = _references(before), _references(now)
        headers.check_same_where_both("the reference of case", *references, self.folder)
        return finished(records)

    def _header(self) -> Run:
        case = self.blocks[0].case
        cases = [
            Planned(
                key=entry.case.key,
                case=case_of(entry.case.canonical()),
                label=entry.label,
                reference=block.entries[0].case.key,
                skip=entry.skip,
            )
            for block in self.blocks
            for entry in block.entries
        ]
        refs = [entry.ref for block in self.blocks for entry in block.entries]
        return headers.header(
            case.device,
            [ref.kind for ref in refs if ref.is_plugin],
            cases,
            seed=self.settings.seed,
            settings=asdict(self.settings),
            worker_environment=worker_environment(case.threads, case.device),
        )


def _references(header: Run) -> dict[str, str | None]:
    return {planned.key: planned.reference for planned in header.cases}
