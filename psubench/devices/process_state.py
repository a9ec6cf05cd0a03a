"""What one contestant could change for all others in its process: settings, patched names, threads, children.

It is read before a plug-in runs and compared afterwards. What can be put back is put back; for the rest
the process is given up and the others are measured in a fresh one.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from psubench.devices.patches import Names
from psubench.devices.process_settings import Setting, python_settings, torch_settings

MOST_DESCRIPTORS = 64  # that a contestant may open and keep; a leak runs into the limit of the process
_JOIN_SECONDS = 0.2  # a thread that is about to end gets so long


class Changes(NamedTuple):
    """What a contestant has changed, in words.

    Attributes:
        timed: settings that change times or spikes; they are put back.
        left: what cannot be put back.
    """

    timed: list[str]
    left: list[str]

    def __bool__(self) -> bool:  # a tuple of two lists is true
        return bool(self.timed or self.left)


def open_descriptors() -> set[int]:
    """Numbers of the open files of this process; empty where the system does not list them."""
    found = set()
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):  # the listing's own
                os.fstat(int(name))
                found.add(int(name))
    return found


def children() -> list[int]:
    """Processes that this one has started and that have not ended."""
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir("/proc/self/task"):
            with suppress(OSError):  # a thread that has just ended
                found += map(int, Path("/proc/self/task", task, "children").read_text().split())
    return found


@dataclass
class ProcessState:
    """The state of this process when it was made."""

    settings: list[Setting] = field(default_factory=lambda: [*python_settings(), *torch_settings()])
    names: Names = field(default_factory=Names)

    def __post_init__(self) -> None:
        self._values = [setting.read() for setting in self.settings]
        self._threads = set(threading.enumerate())
        self._children = set(children())
        self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)  # given up to list the others
        self._descriptors = open_descriptors()

    def put_back(self) -> Changes:
        """Compares, puts back what can be put back, and says what has changed."""
        timed, left = [], self._leaked()
        for setting, before in zip(self.settings, self._values, strict=True):
            if _same(setting, before):
                continue
            if setting.write is not None:
                with suppress(Exception):  # torch refuses some values beside others
                    setting.write(before)
            if setting.write is None or not _same(setting, before):
                left.append(setting.name)
            elif setting.timed:
                timed.append(setting.name)
        timed += self.names.put_back()
        return Changes(timed, left)

    def _leaked(self) -> list[str]:
        found = self._leaked_files()  # first: the rest opens files itself
        if threads := self._new_threads():
            found.append(f"a running thread ({threads[0].name})")
        if pids := set(children()) - self._children:
            found.append(f"{len(pids)} running process{'es' * (len(pids) > 1)}")
        return found

    def _leaked_files(self) -> list[str]:
        os.close(self._spare)
        now = open_descriptors()
        new, lost = now - self._descriptors, self._descriptors - now - {self._spare}
        leaks = len(new) > MOST_DESCRIPTORS
        for number in new if leaks else ():
            with suppress(OSError):
                os.close(number)
        self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        found = [f"{len(new)} open files"] if leaks else []
        return [*found, f"{len(lost)} closed files of the program"] if now and lost else found

    def _new_threads(self) -> list[threading.Thread]:
        """Threads that go on; those of torch's compiler are its own, whoever has called it."""
        new = [t for t in threading.enumerate() if t not in self._threads]
        for thread in new:
            thread.join(_JOIN_SECONDS)
        compiles = "torch._inductor" in sys.modules
        return [t for t in new if t.is_alive() and not (compiles and _of_compiler(t))]


def _same(setting: Setting, before: Any) -> bool:
    try:
        return bool(setting.read() == before)
    except Exception:  # such as a current folder that is gone
        return False


def _of_compiler(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    files = []
    while frame is not None:
        files.append(frame.f_code.co_filename)
        frame = frame.f_back
    return not isinstance(thread, threading.Timer) and all(
        "/torch/" in name or "/concurrent/" in name or "/multiprocessing/" in name
        or name.endswith(("threading.py", "queue.py", "selectors.py", "subprocess.py"))
        for name in files
    )  # fmt: skip
