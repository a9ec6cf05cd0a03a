"""Worker processes seen from outside: a job goes in, a record or the cause of death comes out."""

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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from msgspec import to_builtins

from psubench.devices import worker_environment
from psubench.measure.job import Job
from psubench.records.bounds import Status
from psubench.records.events import Ended, Failed, Live, Lost, Recorded, Started, Told, decode
from psubench.records.failures import cause_of_death, timed_out, while_at
from psubench.records.structs import Outcomes, build

POLL_SECONDS = 0.5
START_SECONDS = 120.0


@dataclass
class Result:
    """The outcome of a job.

    Attributes:
        record: the block's record, if the worker lived to write it.
        blamed: number of the entry that ran when the worker died; None if it was none of them.
        status, message: of the blamed entry, or of all.
        strict: whether the next worker must find out who it was.
    """

    record: Outcomes | None = None
    blamed: int | None = None
    status: Status = "failed"
    message: str = ""
    strict: bool = False


class Host:
    """A process that has imported torch and forks a worker per job."""

    def __init__(self, threads: int, device: str) -> None:
        """Starts the process; it gets ready in the background."""
        self._folder = tempfile.TemporaryDirectory(prefix="psubench-")
        self._status = Path(self._folder.name, "status")
        self._status.touch()
        self._stderr = open(Path(self._folder.name, "stderr"), "w+b")  # noqa: SIM115  # closed in close()
        self._process = subprocess.Popen(
            # -P: a file in the current folder must not hide a module that torch imports.
            [sys.executable, "-P", "-m", "psubench.measure.worker", str(self._status)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, **worker_environment(threads, device)},
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends the worker
        )
        assert self._process.stdout is not None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_pump, args=(self._process.stdout, self._lines), daemon=True).start()
        self._worker: int | None = None

    @property
    def dead(self) -> bool:
        """Whether it can take no more jobs."""
        return self._process.poll() is not None

    def close(self) -> None:
        """Ends the process and whatever it has forked."""
        for group in filter(None, (self._worker, self._process.pid)):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # a job that it did not live to take
            self._process.stdin.close()
        self._stderr.close()
        self._folder.cleanup()

    def run(self, job: Job, timeout: float, hear: Callable[[Live | Failed], None]) -> Result:
        """Runs a job in a fresh worker and follows it to its end.

        Args:
            timeout: seconds without a response after which the worker is killed.
            hear: told the events that are not about the worker itself.
        """
        self._status.write_bytes(b"")
        self._stderr.seek(0, os.SEEK_END)
        said_before = self._stderr.tell()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(to_builtins(job)).encode() + b"\n")
            self._process.stdin.flush()
        result, told = Result(), False
        while (event := self._next(timeout, result)) is not None:
            match event:
                case Started(pid=pid):
                    self._worker = pid
                case Recorded(record=record):
                    self._take(record, result)
                case Lost():
                    told = True
                    result.status, result.message = event.status, event.message
                    result.blamed, result.strict = event.blamed, event.strict
                case Ended(code=code):
                    self._worker = None
                    if result.record is None and not told and result.status != "timeout":
                        result.status, result.message = self._cause_of_death(code, said_before)
                        self._blame(result)
                    return result
                case Live() | Failed():
                    hear(event)
        if result.status != "timeout":
            result.status, result.message = self._cause_of_death(self._process.wait(), said_before)
            self._blame(result)
        return result

    def _take(self, value: Any, result: Result) -> None:
        """The worker's record, if it is one: what cannot be read again must not be written."""
        try:
            result.record = cast("Outcomes", build(value))
        except ValueError as error:
            result.message = f"what was measured is not possible: {error}"

    def _next(self, timeout: float, result: Result) -> Told | None:
        """The next event, or None when the host is gone; kills a worker that has stopped responding."""
        seen, since = b"", time.monotonic()
        while True:
            try:
                line = self._lines.get(timeout=POLL_SECONDS)
            except queue.Empty:
                now = self._status.read_bytes()
                # No entry is to blame while torch is imported and the input is made.
                limit = timeout if now else max(START_SECONDS, timeout)
                if now != seen:
                    seen, since = now, time.monotonic()
                elif time.monotonic() - since > limit:
                    result.status, result.message = timed_out(limit)
                    self._blame(result)
                    self._kill()
                    since = time.monotonic()
            else:
                if not line:
                    return None
                with suppress(ValueError):  # what a worker was writing when it was killed
                    return decode(line)

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._worker or self._process.pid, signal.SIGKILL)

    def _blame(self, result: Result) -> None:
        """Adds to a result who was at work, as the status file tells."""
        number, stage = [*self._status.read_text().split(), "", ""][:2]
        if number:
            result.blamed = int(number)
            result.message += while_at(stage)

    def _cause_of_death(self, code: int, said_before: int) -> tuple[Status, str]:
        """Status and message for a worker that ended by itself without a record."""
        self._stderr.seek(said_before)
        last = self._stderr.read().decode(errors="replace").strip().splitlines()[-1:]
        return cause_of_death(code, "the worker", last[0] if last else "")


def _pump(stdout: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    with stdout:
        for line in stdout:
            lines.put(line)
    lines.put(b"")
