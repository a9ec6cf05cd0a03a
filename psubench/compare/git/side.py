"""One side of a comparison: an interpreter, a folder and an environment in which cases are measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import IO, Any

from psubench.compare.git.git_command import first_reason, own_environment
from psubench.compare.git.imported_from import MODULES, Origin, imported
from psubench.errors import CASE_FAILED, NOT_COMPARABLE, TIMEOUT, PsubenchError, one_line
from psubench.records import jsonl
from psubench.records.fingerprint import Fingerprints
from psubench.records.measured import Block
from psubench.records.structs import Record

Words = Mapping[str, str]
"""A table of a suite: the options of `psubench speed` without their dashes."""
END_SECONDS = 10.0
SILENT_SECONDS = 180.0
"""How long a side may record nothing once the time is used up; a new checkout took 50 s on a busy machine."""
_READING = Lock()
"""Both sides are counted at once, and msgspec crashes if two threads first use a type at the same time."""
_POLL_SECONDS = 0.2
_COMPILED = frozenset({".c", ".cc", ".cpp", ".cxx", ".cu"})
SLOWDOWN = "PSUBENCH_SLOWDOWN"
"""Environment variable with the share by which `compare.selftest.slowdown` slows its neuron; else 0."""


class OutOfTimeError(Exception):
    """A side was still at work at its deadline."""


@dataclass(frozen=True)
class Side:
    """A revision, or the same one with another environment.

    Attributes:
        name: in progress and errors.
        python: the interpreter that has its packages.
        folder: working folder, where plug-ins are found.
        variables: added to the environment.
        origin: where its modules may come from; None where both sides are this code.
        stopped: set by another thread to end what is being measured.
    """

    name: str
    python: Path
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    origin: Origin | None = None
    stopped: Event = field(default_factory=Event, compare=False)

    @property
    def compiles(self) -> bool:
        """Whether it may build C++ of its own: torch keeps builds by name, so both sides share a folder."""
        own = self.origin is not None and not self.origin.has_psubench
        return own and any(path.suffix in _COMPILED for path in self.folder.rglob("*"))

    def measure(
        self, tables: Sequence[Words], settings: Mapping[str, Any], device: str, deadline: float
    ) -> list[Record]:
        """The records of one `psubench run` in a fresh process; failed cases are records too.

        The command line and the form of a suite are all that two revisions must have in common.

        Args:
            deadline: of `time.monotonic`; then the process is ended.

        Raises:
            PsubenchError: the command did not get as far as a record, hangs, or what it measured is not of
                this side.
            OutOfTimeError: it was at work when the time was used up.
        """
        records, said = self._records("run", tables, settings, device, deadline)
        if records is None:
            raise PsubenchError(
                f"{self.name} cannot be measured: {said}",
                "check that revision, and that it has this suite's neurons and options",
            )
        return records

    def count(
        self, tables: Sequence[Words], settings: Mapping[str, Any], device: str, deadline: float
    ) -> tuple[list[Record] | None, str]:
        """The records of one `psubench count`, or None and why there are none; like `measure`."""
        return self._records("count", tables, settings, device, deadline)

    def _records(
        self,
        command: str,
        tables: Sequence[Words],
        settings: Mapping[str, Any],
        device: str,
        deadline: float,
    ) -> tuple[list[Record] | None, str]:
        """What a command of psubench records, or None and the reason that it gives."""
        with tempfile.TemporaryDirectory(prefix="psubench-side-", ignore_cleanup_errors=True) as temporary:
            suite, out, modules = (Path(temporary, name) for name in ("suite.toml", "out", "modules"))
            suite.write_text(suite_text(tables, settings), encoding="utf-8")
            arguments = ["--quiet", "--device", device, "--out", str(out), str(suite)]
            with Path(temporary, "said").open("w+b") as said:
                asked = ["-m", "psubench", command, *arguments]
                status = self._run(asked, modules, said, out / jsonl.NAME, deadline)
                said.seek(0)
                text = said.read().decode(errors="replace")
            if status not in (0, CASE_FAILED):
                return None, (first_reason(text) or f"exit code {status}").removeprefix("error: ")
            with _READING:
                records = jsonl.read(jsonl.locate(out))
            self._check(imported(modules), records)
            return records, ""

    def _check(self, modules: Mapping[str, Path], records: Sequence[Record]) -> None:
        if self.origin is None:
            return
        self.origin.check(modules)
        cases = [case for one in records if isinstance(one, Block | Fingerprints) for case in one.cases]
        measured = any(case.status == "ok" for case in cases)
        if measured and not modules:
            raise PsubenchError(
                f"{self.name} does not report where its modules were imported from",
                "compare two records instead",
                NOT_COMPARABLE,
            )

    def _run(
        self, arguments: list[str], modules: Path, said: IO[bytes], written: Path, deadline: float
    ) -> int:
        """Exit status; the process ends with this one, whatever ends it."""
        process = subprocess.Popen(
            [str(self.python), *arguments],
            cwd=self.folder,
            env={**own_environment(), "PSUBENCH_RECORD_ONLY": "1", MODULES: str(modules), **self.variables},
            stdin=subprocess.PIPE,  # its end tells the side that this process is gone, however that came
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,  # Ctrl-C reaches the comparison alone, which then ends this
        )
        with process:
            try:
                return self._follow(process, written, said, deadline)
            except BaseException:  # Ctrl-C too: no process is left behind
                end(process)
                raise

    def _follow(
        self, process: subprocess.Popen[bytes], written: Path, said: IO[bytes], deadline: float
    ) -> int:
        size, since = 0, time.monotonic()
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(_POLL_SECONDS)
            if self.stopped.is_set():
                raise KeyboardInterrupt
            now = written.stat().st_size if written.is_file() else 0
            if now != size:
                size, since = now, time.monotonic()
            silent = time.monotonic() - since
            if time.monotonic() > deadline:
                if silent <= SILENT_SECONDS:
                    raise OutOfTimeError
                said.seek(0)
                reason = first_reason(said.read().decode(errors="replace"))  # such as a wait for the device
                told = f" and said {one_line(reason)}" if reason else ""
                raise PsubenchError(
                    f"{self.name} hangs: it recorded nothing for {silent:.0f} s{told}; --budget is used up",
                    "look for an import or a call in that revision that never ends, or raise --budget",
                    TIMEOUT,
                )


@contextmanager
def at_once(sides: Sequence[Side]) -> Iterator[ThreadPoolExecutor]:
    """Threads in which sides count; one, if a side might load C++ that another has built.

    Whatever ends the block, Ctrl-C too, ends all sides.
    """
    with ThreadPoolExecutor(1 if any(side.compiles for side in sides) else max(1, len(sides))) as pool:
        try:
            yield pool
        except BaseException:
            for side in sides:
                side.stopped.set()
            raise


def suite_text(tables: Sequence[Words], settings: Mapping[str, Any]) -> str:
    """A suite as TOML. Words, numbers, true and false are the same in JSON."""
    lines = [
        "version = 1",
        "[settings]",
        *(f"{key} = {json.dumps(value)}" for key, value in settings.items()),
    ]
    for table in tables:
        lines += ["[[speed]]", *(f"{key} = {json.dumps(word)}" for key, word in table.items())]
    return "\n".join(lines) + "\n"


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a side, gently if it lets itself be ended so, with whatever it has started."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        # Its workers have sessions of their own: a signal to its group would not reach them.
        for pid in [process.pid, *descendants(process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def descendants(pid: int) -> list[int]:
    """Processes that a process has started, and theirs."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            parent = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found[1:]


def own_code(*folders: Path) -> dict[str, str]:
    """Variables with which Python imports what lies in some folders before what is installed."""
    inherited = [Path(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    # Absolute: a side has a working folder of its own.
    paths = [str(path.absolute()) for path in (*folders, *inherited)]
    return {"PYTHONPATH": os.pathsep.join(paths)}
