"""From blocks to records: one fresh worker process per block, and what becomes of those that fail."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from psubench.analyse import block_ratios
from psubench.devices import worker_environment
from psubench.record import Recorder
from psubench.suite import Block, Entry

POLL_SECONDS = 0.5
START_SECONDS = 120.0
Ratios = Mapping[str, tuple[float, float | None, float | None]]


class Watcher(Protocol):
    """Told how a run goes on; shows it or does not."""

    def plan(self, blocks: int) -> None:
        """So many blocks will be measured."""

    def block(self, title: str) -> None:
        """A block begins."""

    def live(self, ratios: Ratios, rounds: int) -> None:
        """Ratios, low and high so far, by label."""

    def case(self, label: str, status: str, message: str | None) -> None:
        """A case has ended badly."""

    def block_done(self, title: str, seconds: float, ratios: Ratios) -> None:
        """A block is in the record."""


@dataclass(frozen=True)
class Settings:
    """How blocks are measured.

    Attributes:
        processes: fresh worker processes per block.
        precision: relative width of the 95 % interval at which rounds end.
        max_seconds: rounds end after so many seconds of samples, per block and process.
        timeout: seconds that a neuron may take for one step of its gate or for one sample.
        max_memory: bytes that a worker may allocate.
    """

    processes: int
    precision: float
    max_seconds: float
    timeout: float
    max_memory: int
    seed: int


@dataclass
class Runner:
    """Measures blocks and records them.

    Attributes:
        done: (case key, process) pairs that the record holds already.
        failed: keys of cases that ended badly; later processes do not try them again.
    """

    settings: Settings
    recorder: Recorder
    watcher: Watcher
    done: set[tuple[str, int]]
    failed: set[str] = field(default_factory=set)

    def run(self, blocks: Sequence[Block]) -> None:
        """Every block once per process, all blocks of a process before the next process.

        So the replicates of a case are spread over the run's whole time, and an early end leaves a
        full picture with fewer replicates.
        """
        turns = [(process, block) for process in range(self.settings.processes) for block in blocks]
        due = [turn for turn in turns if self._due(*turn)]
        self.watcher.plan(len(due))
        for process, block in due:
            entries = self._due(process, block)
            if entries:
                self._block(block, entries, process)

    def _due(self, process: int, block: Block) -> list[Entry]:
        return [
            entry
            for entry in block.entries
            if entry.case.key not in self.failed and (entry.case.key, process) not in self.done
        ]

    def _block(self, block: Block, due: list[Entry], process: int) -> None:
        self.watcher.block(block.title)
        began = time.monotonic()
        reference = block.entries[0]
        if reference not in due and reference.case.key not in self.failed:
            due = [reference, *due]  # a ratio needs its reference in the same rounds
        labels = {entry.ref.text: entry.ref.label for entry in due}
        record = self._measure(block, due, process)
        for outcome in record["cases"]:
            if outcome["status"] != "ok":
                self.failed.add(outcome["key"])
        self.recorder.append(record)
        ratios = {labels[text]: interval.ratios() for text, interval in block_ratios(record).items()}
        self.watcher.block_done(block.title, time.monotonic() - began, ratios)

    def _measure(self, block: Block, entries: list[Entry], process: int) -> dict[str, Any]:
        """The block's record, whatever happens: who kills the worker is left out of the next try."""
        lost: list[dict[str, Any]] = []
        while True:
            attempt = Attempt(self.settings, self.watcher, block, entries, process)
            attempt.run()
            if attempt.record is not None:
                return {**attempt.record, "cases": attempt.record["cases"] + lost}
            for entry in attempt.blamed:
                assert attempt.status is not None
                self.watcher.case(entry.ref.label, attempt.status, attempt.message)
                lost.append(_lost(entry, attempt.status, attempt.message))
            entries = [entry for entry in entries if entry not in attempt.blamed]
            if not entries:
                return {
                    "type": "block",
                    "case": block.case.canonical(),
                    "process": process,
                    "reference": None,
                    "cases": lost,
                }


def _lost(entry: Entry, status: str, message: str | None) -> dict[str, Any]:
    return {
        "key": entry.case.key,
        "neuron": entry.ref.text,
        "status": status,
        "message": message,
        "verified": None,
        "activity": None,
    }


@dataclass
class Attempt:
    """One worker process for one block.

    Attributes:
        record: the block's record if the worker lived to write it.
        blamed: the entries that must be left out of the next attempt, with status and message.
    """

    settings: Settings
    watcher: Watcher
    block: Block
    entries: list[Entry]
    process: int
    record: dict[str, Any] | None = None
    blamed: list[Entry] = field(default_factory=list)
    status: str | None = None
    message: str | None = None

    def run(self) -> None:
        """Starts the worker and follows it to its end."""
        with tempfile.TemporaryDirectory(prefix="psubench-") as folder:
            status_file = Path(folder, "status")
            status_file.touch()
            with open(Path(folder, "stderr"), "w+b") as stderr:
                worker = self._start(stderr)
                try:
                    self._follow(worker, status_file, stderr)
                finally:
                    with suppress(ProcessLookupError):
                        os.killpg(worker.pid, signal.SIGKILL)
                    worker.wait()

    def _start(self, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        case = self.block.case
        return subprocess.Popen(
            # -P: a file in the current folder must not hide a module that torch imports.
            [sys.executable, "-P", "-m", "psubench.probes.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **worker_environment(case.threads, case.device)},
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends the worker
        )

    def _job(self, status_file: Path) -> bytes:
        reference = self.block.entries[0]
        job = {
            "case": self.block.case.canonical(),
            "entries": [(entry.case.key, entry.ref.text) for entry in self.entries],
            "reference": reference.ref.text if reference in self.entries else None,
            "process": self.process,
            "seed": self.settings.seed,
            "precision": self.settings.precision,
            "max_seconds": self.settings.max_seconds,
            "max_memory": self.settings.max_memory,
            "status_file": str(status_file),
        }
        return json.dumps(job).encode() + b"\n"

    def _follow(self, worker: subprocess.Popen[bytes], status_file: Path, stderr: IO[bytes]) -> None:
        assert worker.stdin is not None
        assert worker.stdout is not None
        with suppress(BrokenPipeError):
            worker.stdin.write(self._job(status_file))
            worker.stdin.flush()
        lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_pump, args=(worker.stdout, lines), daemon=True).start()
        seen, since = b"", time.monotonic()
        while True:
            try:
                line = lines.get(timeout=POLL_SECONDS)
            except queue.Empty:
                now = status_file.read_bytes()
                if now != seen:
                    seen, since = now, time.monotonic()
                elif time.monotonic() - since > (limit := self._limit(now)):
                    self._blame(now, "timeout", f"no answer for {limit:g} s")
                    return
                continue
            since = time.monotonic()
            if not line:
                self._blame(status_file.read_bytes(), *_cause_of_death(worker.wait(), stderr))
                return
            if self._handle(json.loads(line)):
                return

    def _limit(self, status: bytes) -> float:
        """Seconds without a sign of life; importing torch and making the input is nobody's fault."""
        return self.settings.timeout if status else max(START_SECONDS, self.settings.timeout)

    def _handle(self, event: dict[str, Any]) -> bool:
        """Acts on one event; True when it was the last."""
        labels = {entry.ref.text: entry.ref.label for entry in self.entries}
        match event["event"]:
            case "live":
                ratios = {labels[text]: tuple(ratio) for text, ratio in event["ratios"].items()}
                self.watcher.live(ratios, event["rounds"])
            case "case":
                self.watcher.case(labels[event["neuron"]], event["status"], event["message"])
            case "record":
                self.record = event["record"]
            case "lost":
                self._blame(b"", event["status"], event["message"])
        return event["event"] in ("record", "lost")

    def _blame(self, status: bytes, outcome: str, message: str) -> None:
        """Finds the entry that ran last; all of them where none had begun."""
        number, stage = [*status.decode().split(), "", ""][:2]
        self.blamed = [self.entries[int(number)]] if number else self.entries
        where = {"gate": " while it was compared with its reference", "measure": " while it was timed"}
        self.status, self.message = outcome, message + where.get(stage, "")


def _pump(stdout: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    for line in stdout:
        lines.put(line)
    lines.put(b"")


def _cause_of_death(code: int, stderr: IO[bytes]) -> tuple[str, str]:
    """Status and message for a worker that ended without a record."""
    if code == -signal.SIGKILL:
        return "oom", "the worker was killed by SIGKILL, as the kernel does when memory runs out"
    stderr.seek(0)
    last = stderr.read().decode(errors="replace").strip().splitlines()[-1:]
    said = f": {last[0]}" if last else ""
    if code < 0:
        return "failed", f"the worker died of {signal.Signals(-code).name}{said}"
    return "failed", f"the worker ended with exit code {code}{said}"
