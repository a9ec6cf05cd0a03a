"""From blocks to records: who is measured when, and what becomes of those that fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace

from psubench.measure.job import Job
from psubench.measure.windows import Windowing
from psubench.records.events import Begin, Failed, Live, Measured, Watcher
from psubench.records.jsonl import MEMORY, WORK
from psubench.records.measured import Block as Timed
from psubench.records.measured import Energy, Memory, MemoryOutcome
from psubench.records.paired import block_ratios
from psubench.records.run import case_of
from psubench.records.structs import Outcomes, Record, build, without_results
from psubench.runs.case import Block, Entry
from psubench.runs.worker_process import Host, Result

PROBES = {
    "speed": "psubench.experiments.paired.probe:Probe",
    "energy": "psubench.experiments.energy.probe:EnergyProbe",
    "sparsity": "psubench.experiments.sparsity.probe:ActivityProbe",
    "profile": "psubench.experiments.profile.probe:ProfileProbe",
    MEMORY: "psubench.experiments.speed.peak_memory:MemoryProbe",
    WORK: "psubench.experiments.speed.work:WorkProbe",
}
"""What runs a job, by the kind of its case; only the worker imports it."""


@dataclass(frozen=True)
class Settings:
    """How blocks are measured.

    Attributes:
        processes: fresh worker processes per block.
        precision: relative width of the 95 % interval at which rounds end.
        max_seconds: seconds of samples after which rounds end, per block and process.
        timeout: seconds that a neuron may take for one step of its gate or for one sample.
        max_memory: bytes that a worker may allocate.
        passes: what follows the timing: `MEMORY`, the peak of each case; `WORK`, what its calls do.
        windows: of the blocks that measure energy.
        checkpoint: where the weights of networks come from; None for fresh ones.
    """

    processes: int
    precision: float
    max_seconds: float
    timeout: float
    max_memory: int
    seed: int
    passes: tuple[str, ...] = ()
    windows: Windowing | None = None
    checkpoint: str | None = None

    def seconds(self, block: Block) -> float:
        """About how long a block's samples take in one process, without the checks before them."""
        return self.windows.total_seconds(len(block.entries)) if self.windows else self.max_seconds


@dataclass
class Runner:
    """Measures blocks and records them.

    Attributes:
        record: writes a record; it is on the disk before the next block starts.
        done: (case key, process) pairs that the record holds already, or key and pass.
        folder: of the run.
        failed: keys of cases that ended badly; later processes do not try them again.
    """

    settings: Settings
    record: Callable[[Record], None]
    watcher: Watcher
    done: set[tuple[str, int | str]]
    folder: Path
    failed: set[str] = field(default_factory=set)

    def run(self, blocks: Sequence[Block]) -> None:
        """Every block once per process, all blocks of a process before the next process.

        So the replicates of a case are spread over the run's whole time, and an early end leaves a
        full picture with fewer replicates.
        """
        groups: list[list[int | str]] = [[process] for process in range(self.settings.processes)] or [[]]
        groups[-1].extend(self.settings.passes)  # a host more would import torch once more
        plan = [[(process, self._due_of(process, blocks)) for process in group] for group in groups]
        count = sum(1 if process == WORK else len(due) for group in plan for process, due in group if due)
        self.watcher.plan("blocks", count, count)
        for group in plan:
            if any(due for _, due in group):
                self._replicate(group)

    def _due_of(self, process: int | str, blocks: Sequence[Block]) -> list[Block]:
        """The blocks of a replicate or a pass; kernels of a GPU run where their work cannot be counted."""
        countable = process != WORK or not blocks[0].case.device.startswith("cuda")
        return [block for block in blocks if countable and self._due(process, block)]

    def _replicate(self, group: Sequence[tuple[int | str, Sequence[Block]]]) -> None:
        """All blocks once, from one host: the next replicate has another address-space layout.

        Passes share the last one: what they measure does not depend on the layout.
        """
        case = next(due[0] for _, due in group if due).case
        workers = Workers(self.settings, self.watcher, 0, Host(case.threads, case.device), self.folder)
        try:
            for process, blocks in group:
                workers.process = process
                # A case may have failed since the plan was made.
                left = [(block, due) for block in blocks if (due := self._due(process, block))]
                if left and process == WORK:
                    self._work(left, workers)
                    continue
                for block, due in left:
                    if process == MEMORY:
                        self._memory(block, due, workers)
                    else:
                        self._block(block, due, workers)
        finally:
            workers.host.close()

    def _due(self, process: int | str, block: Block) -> list[Entry]:
        return [
            entry
            for entry in block.entries
            if entry.skip is None
            and entry.case.key not in self.failed
            and (entry.case.key, process) not in self.done
        ]

    def _block(self, block: Block, due: list[Entry], workers: Workers) -> None:
        self.watcher.hear(block.title, Begin())
        began = time.monotonic()
        reference = block.entries[0]
        if reference not in due and reference.skip is None and reference.case.key not in self.failed:
            due = [reference, *due]  # a ratio needs its reference in the same rounds
        record = workers.measure(block.title, block, due)
        for outcome in record.cases:
            if outcome.status != "ok":
                self.failed.add(outcome.key)
        seconds = time.monotonic() - began
        self.record(replace(record, elapsed_s=round(seconds, 3)))
        labels = {entry.text: entry.label for entry in due}
        found = block_ratios(record) if isinstance(record, Timed | Energy) else {}
        ratios = {labels[text]: interval.ratios() for text, interval in found.items()}
        self.watcher.hear(block.title, Measured(seconds, ratios))

    def _memory(self, block: Block, due: list[Entry], workers: Workers) -> None:
        """Peak memory of every case, each in a worker of its own: none may use what another has freed."""
        title = f"peak memory, {block.title}"
        self.watcher.hear(title, Begin())
        began = time.monotonic()
        measured = [workers.measure(title, block, [entry]) for entry in due]
        found = [one for record in measured for one in record.cases if isinstance(one, MemoryOutcome)]
        seconds = time.monotonic() - began
        case = case_of(block.case.canonical())
        self.record(Memory(case=case, cases=found, elapsed_s=round(seconds, 3)))
        self.watcher.hear(title, Measured(seconds, {}))

    def _work(self, due: Sequence[tuple[Block, list[Entry]]], workers: Workers) -> None:
        """The work of every case in one job: its worker makes each input once, and forks for each case."""
        title = f"work of {sum(len(entries) for _, entries in due)} cases"
        self.watcher.hear(title, Begin())
        began = time.monotonic()
        every = [entry for _, entries in due for entry in entries]
        record = workers.measure(title, due[0][0], every)
        seconds = time.monotonic() - began
        self.record(replace(record, elapsed_s=round(seconds, 3)))
        self.watcher.hear(title, Measured(seconds, {}))


@dataclass
class Workers:
    """The workers of one replicate.

    Attributes:
        folder: of the run; None where nothing is recorded.
        title: of the block at work, for the watcher.
    """

    settings: Settings
    watcher: Watcher
    process: int | str
    host: Host
    folder: Path | None = None
    title: str = ""
    _told: set[str] = field(default_factory=set)

    def measure(self, title: str, block: Block, entries: list[Entry]) -> Outcomes:
        """The block's record, whatever happens: who kills a worker is left out of the next try."""
        self.title = title
        lost: list[dict[str, Any]] = []
        strict, self._told = False, set()
        while entries:
            result = self._attempt(block, entries, strict)
            if result.record is not None:
                record = result.record
                return replace(record, cases=[*record.cases, *self._without(block, lost).cases])
            if result.strict and not strict and result.blamed is None:
                strict = True
                continue
            blamed = entries if result.blamed is None else [entries[result.blamed]]
            for entry in blamed:
                self._case(Failed(entry.label, result.status, result.message))
                lost.append(_lost(entry, result))
            entries = [entry for entry in entries if entry not in blamed]
        return self._without(block, lost)

    def _without(self, block: Block, lost: list[dict[str, Any]]) -> Outcomes:
        """The record of cases that no worker gave a result of."""
        about = {"case": block.case.canonical(), "process": self.process, "reference": None, "cases": lost}
        return cast("Outcomes", build(without_results(self._kind(block), about)))

    def _kind(self, block: Block) -> str:
        return self.process if isinstance(self.process, str) else block.case.kind

    def _case(self, event: Failed) -> None:
        """Tells it once, however often the block is tried without those who took a worker down."""
        if event.neuron not in self._told:
            self._told.add(event.neuron)
            self.watcher.hear(self.title, event)

    def _attempt(self, block: Block, entries: list[Entry], strict: bool) -> Result:
        if self.host.dead:
            self.host.close()
            self.host = Host(block.case.threads, block.case.device)
        reference = block.entries[0]
        # Over several blocks, a neuron's text does not name one case.
        named = {entry.case.key if self.process == WORK else entry.text: entry for entry in entries}
        job = Job(
            probe=PROBES[self._kind(block)],
            case=block.case.canonical(),
            entries=[
                (entry.case.key, name, entry.ref.text, entry.case.mode) for name, entry in named.items()
            ],
            reference=reference.text if reference in entries or self.process == WORK else None,
            process=0 if isinstance(self.process, str) else self.process,
            seed=self.settings.seed,
            precision=self.settings.precision,
            max_seconds=self.settings.max_seconds,
            max_memory=self.settings.max_memory,
            windows=asdict(self.settings.windows) if self.settings.windows else None,
            folder=str(self.folder.resolve()) if self.folder else None,
            checkpoint=self.settings.checkpoint,
            strict=strict,
            cases=[entry.case.block.canonical() for entry in entries] if self.process == WORK else [],
        )
        labels = {name: entry.label for name, entry in named.items()}

        def hear(event: Live | Failed) -> None:
            if isinstance(event, Live):
                event = replace(event, ratios={labels[text]: ratio for text, ratio in event.ratios.items()})
            else:
                self._case(replace(event, neuron=labels[event.neuron]))
                return
            self.watcher.hear(self.title, event)

        return self.host.run(job, self.settings.timeout, hear)


def _lost(entry: Entry, result: Result) -> dict[str, Any]:
    return {
        "key": entry.case.key,
        "neuron": entry.text,
        "status": result.status,
        "message": result.message,
        "verified": None,
        "activity": None,
        "doubt": None,
        "compile": None,
    }
