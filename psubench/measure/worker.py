"""The host of the workers: imports torch once, then forks a fresh worker process for every job.

Started by `psubench.runs.worker_process` with its environment set, because thread counts and the
allocator are fixed once torch is imported. A worker has its own heap, and its death affects nothing
else. Every replicate of a case comes from another host, so that its address-space layout is new.
"""

from __future__ import annotations

import ctypes
import gc
import itertools
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import IO, Any

from msgspec import convert

from psubench.devices.process_state import children
from psubench.measure.job import Job
from psubench.records.events import Ended, Lost, Ready, Recorded, Started, Told, encode
from psubench.records.failures import classify
from psubench.records.measured import AGAIN
from psubench.records.structs import plain

STATUS_BYTES = 64
"""Size of the status file: number of the entry, stage and serial number of what runs now, padded."""

_PR_SET_CHILD_SUBREAPER = 36

Say = Callable[[Told], None]


def main() -> None:
    """Runs the jobs on standard input, a JSON line each, and answers with events of the same form."""
    # Whatever a plug-in prints must not mix with the events.
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    status_file = os.open(sys.argv[1], os.O_WRONLY)

    # Before any worker is forked, also what `intervals` and `autograd.grad` import when first called.
    import scipy.special  # noqa: F401
    import torch.fx.experimental.symbolic_shapes  # noqa: F401

    gc.collect()
    gc.freeze()  # a collection in a worker must not copy the pages that it shares with the host
    _adopt()
    say = _speaker(events)
    say(Ready())
    while line := sys.stdin.buffer.readline():
        job = convert(json.loads(line), Job)
        _prepare(job.probe)
        pid = os.fork()
        if pid == 0:
            _work(job, say, status_file)
        say(Started(pid))
        _, status = os.waitpid(pid, 0)
        _end_group(pid)
        _end_orphans()
        events.write(b"\n")  # ends a line that a killed worker has left open
        say(Ended(os.waitstatus_to_exitcode(status)))


def _prepare(probe: str) -> None:
    """Imports what runs a job once, before the fork: each worker would take 0.2 s for it."""
    module = probe.partition(":")[0]
    if module not in sys.modules:
        with suppress(Exception):  # the worker fails at it too, and says so
            import_module(module)
        gc.collect()
        gc.freeze()


def _only_here(act: Callable[..., None]) -> Callable[..., None]:
    """Ends a copy of this process, which a plug-in has forked, before it does the same again."""
    own = os.getpid()

    def guarded(*arguments: Any) -> None:
        if os.getpid() != own:
            os._exit(0)
        act(*arguments)

    return guarded


def _speaker(events: IO[bytes]) -> Say:
    def say(event: Told) -> None:
        events.write(encode(event) + b"\n")
        events.flush()

    return say


def _end_group(pid: int) -> None:
    """Ends processes that a worker has left running, so that they do not disturb the next one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _adopt() -> None:
    """Makes this process the parent of what its descendants leave: else a daemon would be seen by nobody."""
    with suppress(OSError, AttributeError):  # only Linux has it
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_orphans() -> None:
    """Ends what a worker has left in a group of its own."""
    for pid in children():
        with suppress(ProcessLookupError, PermissionError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _work(job: Job, say: Say, status_file: int) -> None:
    """One job in the forked process, which ends here."""
    code = 1
    try:
        os.setpgid(0, 0)
        _adopt()
        threading.Thread(target=_die_with_parent, daemon=True).start()
        _limit_memory(job.max_memory, job.case["device"])
        _measure(job, say, status_file)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _measure(job: Job, say: Say, status_file: int) -> None:
    import torch

    from psubench.measure.contestants import SpoiledError

    counter = itertools.count()
    numbers = {name: number for number, (_, name, *_) in enumerate(job.entries)} | {AGAIN: 0}

    def mark(neuron: str, stage: str) -> None:
        # A write to a file, not an event: no process must wake up between samples.
        os.pwrite(status_file, f"{numbers[neuron]} {stage} {next(counter)}".ljust(STATUS_BYTES).encode(), 0)

    mark, say = _only_here(mark), _only_here(say)
    torch.set_num_threads(job.case["threads"])
    try:
        module, _, name = job.probe.partition(":")
        probe = getattr(import_module(module), name)
        say(Recorded(plain(probe(job, mark, say).run())))
    except SpoiledError as error:
        blamed = None if error.label is None else numbers[error.label]
        say(Lost("failed", str(error), blamed, strict=True))
    except Exception as error:  # the boundary of the worker: the input could not be made, the device is gone
        say(Lost(*classify(error)))


def _die_with_parent() -> None:
    """No job comes while one is running: the end of the input means that the parent was killed."""
    os.read(0, 1)
    os._exit(1)


def _limit_memory(max_bytes: int, device: str) -> None:
    """Makes a neuron that allocates without end fail with an error instead of taking the machine down.

    RLIMIT_DATA counts private writable memory. CUDA reserves far more address space than it uses and
    reports its own out-of-memory errors, so there is no limit there.
    """
    if not device.startswith("cuda"):
        resource.setrlimit(resource.RLIMIT_DATA, (max_bytes, max_bytes))


if __name__ == "__main__":
    main()
