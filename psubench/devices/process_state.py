"""What one contestant could change for all others in its process: settings, patched names, threads, children.

It is read before a plug-in runs and compared afterwards. What can be put back is put back; for the rest
the process is given up and the others are measured in a fresh one.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from psubench.devices.patches import Names

MOST_DESCRIPTORS = 64  # that a contestant may open and keep; a leak runs into the limit of the process
_JOIN_SECONDS = 0.2  # a thread that is about to end gets so long


class Setting(NamedTuple):
    """Something global with a value.

    Attributes:
        name: as an error says it.
        write: puts a value back; None where nothing does.
        timed: whether it changes what a window measures or computes.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object] | None
    timed: bool


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


def _write_environment(before: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)


def _handlers() -> list[Any]:
    return [signal.getsignal(number) for number in sorted(signal.valid_signals())]


def _write_handlers(before: list[Any]) -> None:
    for number, handler in zip(sorted(signal.valid_signals()), before, strict=True):
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _timers() -> list[float]:
    return [signal.getitimer(which)[0] and 1.0 for which in (signal.ITIMER_REAL, signal.ITIMER_PROF)]


def _stop_timers(_: object) -> None:
    for which in (signal.ITIMER_REAL, signal.ITIMER_PROF):
        signal.setitimer(which, 0)


def _umask() -> int:
    os.umask(before := os.umask(0))
    return before


def _write_filters(before: list[Any]) -> None:
    warnings.resetwarnings()
    warnings.filters.extend(before)  # type: ignore[attr-defined]  # a list, whatever typeshed says


def _python_settings() -> list[Setting]:
    settings = [
        Setting("the environment", lambda: dict(os.environ), _write_environment, False),
        Setting("the current folder", os.getcwd, os.chdir, False),
        Setting("signal handlers", _handlers, _write_handlers, False),
        Setting("interval timers", _timers, _stop_timers, False),
        Setting("the umask", _umask, os.umask, False),
        Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit, False),
        Setting("sys.path", lambda: list(sys.path), lambda v: sys.path.__setitem__(slice(None), v), False),
        Setting(
            "warning filters", lambda: list(warnings.filters), _write_filters, False,
        ),
        Setting("sys.settrace", sys.gettrace, sys.settrace, True),
        Setting("sys.setprofile", sys.getprofile, sys.setprofile, True),
        Setting("the switch interval", sys.getswitchinterval, sys.setswitchinterval, True),
        Setting("Python's random numbers", random.getstate, random.setstate, False),
        Setting(
            "the limit of open files", lambda: resource.getrlimit(resource.RLIMIT_NOFILE),
            lambda v: resource.setrlimit(resource.RLIMIT_NOFILE, v), False,
        ),
    ]  # fmt: skip
    if hasattr(os, "sched_getaffinity"):
        settings.append(
            Setting(
                "the processors it may use", lambda: os.sched_getaffinity(0),
                lambda v: os.sched_setaffinity(0, v), True,
            )
        )  # fmt: skip
    settings.append(Setting("the priority", lambda: os.getpriority(os.PRIO_PROCESS, 0), None, True))
    return settings


def _torch_settings() -> list[Setting]:
    import torch
    from torch import _C
    from torch.backends import cuda, cudnn, mkldnn

    def deterministic() -> tuple[bool, bool]:
        warn = torch.is_deterministic_algorithms_warn_only_enabled()
        return torch.are_deterministic_algorithms_enabled(), warn

    def flag(name: str, where: Any, attribute: str) -> Setting:
        return Setting(
            name, lambda: getattr(where, attribute), lambda v: setattr(where, attribute, v), True
        )  # fmt: skip

    def autocast() -> list[tuple[bool, torch.dtype]]:
        return [(torch.is_autocast_enabled(d), torch.get_autocast_dtype(d)) for d in ("cpu", "cuda")]

    def write_autocast(before: list[tuple[bool, torch.dtype]]) -> None:
        for device, (enabled, dtype) in zip(("cpu", "cuda"), before, strict=True):
            torch.set_autocast_enabled(device, enabled)
            torch.set_autocast_dtype(device, dtype)

    tiny = torch.tensor(1e-40)
    return [
        Setting("the number of threads of torch", torch.get_num_threads, torch.set_num_threads, True),
        Setting("the default dtype", torch.get_default_dtype, torch.set_default_dtype, True),
        Setting("the default device", torch.get_default_device, None, True),
        Setting("the grad mode", torch.is_grad_enabled, torch.set_grad_enabled, True),
        Setting("the inference mode", torch.is_inference_mode_enabled, None, True),
        Setting("autocast", autocast, write_autocast, True),
        Setting(
            "deterministic algorithms", deterministic,
            lambda v: torch.use_deterministic_algorithms(v[0], warn_only=v[1]), True,
        ),
        Setting(
            "the precision of products", torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision, True,
        ),
        Setting(
            "denormal numbers", lambda: bool((tiny * 1.0 == 0).item()), torch.set_flush_denormal, True
        ),
        Setting("anomaly detection", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, True),
        Setting("global hooks of modules", _hooks, _write_hooks, True),
        Setting("modes of torch functions", _C._len_torch_function_stack, None, True),
        Setting("modes of torch dispatch", _C._len_torch_dispatch_stack, None, True),
        Setting("kernels of torch operators", _own_kernels, None, True),
        flag("mkldnn", mkldnn, "enabled"),
        flag("cudnn", cudnn, "enabled"),
        flag("cudnn.benchmark", cudnn, "benchmark"),
        flag("cudnn.deterministic", cudnn, "deterministic"),
        flag("TF32 in cudnn", cudnn, "allow_tf32"),
        flag("TF32 in products", cuda.matmul, "allow_tf32"),
    ]  # fmt: skip


def _hook_tables() -> list[Any]:
    from torch.nn.modules import module

    return [
        t for name, t in sorted(vars(module).items()) if name.startswith("_global_") and hasattr(t, "keys")
    ]


def _hooks() -> list[dict[Any, Any]]:
    return [dict(table) for table in _hook_tables()]


def _write_hooks(before: list[dict[Any, Any]]) -> None:
    for table, entries in zip(_hook_tables(), before, strict=True):
        table.clear()
        table.update(entries)


def _own_kernels() -> frozenset[str]:
    """Kernels that Python has registered for torch's own operators, shape functions aside."""
    from torch import library

    return _of_aten(len(library._impls))


@lru_cache(maxsize=4)  # the names are many, and their number tells whether one was added
def _of_aten(_: int) -> frozenset[str]:
    from torch import library

    return frozenset(k for k in library._impls if k.startswith("aten/") and not k.endswith("/Meta"))


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

    settings: list[Setting] = field(default_factory=lambda: [*_python_settings(), *_torch_settings()])
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
