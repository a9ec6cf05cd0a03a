"""Trainings in separate processes, several at a time. One that dies does not affect the others."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

from psubench.devices import worker_environment
from psubench.records.events import Lost, Recorded, Told, decode, encode
from psubench.records.failures import cause_of_death
from psubench.training.case import Training

Due = Sequence[tuple[Training, Path]]
"""Trainings, and the folders of their checkpoints."""
Hear = Callable[[Training, Told], None]
"""Told what a training tells; last comes the record of its end, or `Lost` of one that died."""
STARTS = 3
"""How often a training is started whose process cannot be forked, because the one that forks it has died."""


def together(due: Due, hear: Hear) -> None:
    """Runs trainings in this process, which trains each together with others."""
    from psubench.training.session import Work

    for case, folder in due:
        hear(case, Work(case, folder, partial(hear, case)).recorded())


def each(due: Due, jobs: int, hear: Hear) -> None:
    """Runs trainings in their order, at most `jobs` at the same time, each in a fresh process."""
    waiting = deque(due)
    running: dict[Connection, tuple[Training, BaseProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                case, folder = waiting.popleft()
                if (started := _started(case, folder)) is None:
                    hear(case, Lost("failed", "the process that starts trainings dies"))
                else:
                    running[started[0]] = case, started[1]
            for events in cast("list[Connection]", wait(list(running)) if running else []):
                case, process = running[events]
                event = _next(events, process)
                if isinstance(event, Lost) or (
                    isinstance(event, Recorded) and event.record["type"] == "trained"
                ):
                    del running[events]
                    events.close()
                hear(case, event)
    finally:
        for _, process in running.values():
            process.kill()
            process.join()


def _next(events: Connection, process: BaseProcess) -> Told:
    try:
        return decode(events.recv_bytes())
    except (EOFError, OSError):  # at its end, or in the middle of an event
        process.join()
        return Lost(*cause_of_death(process.exitcode or 0, "the process"))


def _started(case: Training, folder: Path) -> tuple[Connection, BaseProcess] | None:
    """The events of a training and its process; None if what it is forked from dies again and again."""
    for _ in range(STARTS):
        context = _context(case)
        events, end = context.Pipe(duplex=False)
        process = context.Process(target=_train, args=(case, folder, end), daemon=True)
        try:
            process.start()
        except (EOFError, OSError):  # killed, perhaps because memory was short
            events.close()
        else:
            return events, process
        finally:
            end.close()  # so that the pipe ends when the process does
    return None


def _context(case: Training) -> Any:
    """Processes that are forked from one that has imported torch under the right settings, but run none."""
    before = dict(os.environ)
    os.environ.update(worker_environment(case.threads, case.device))
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for deterministic recipes
    try:
        context = mp.get_context("forkserver")
        # The optimizers import torch._dynamo when first called: once here, not in every process.
        context.set_forkserver_preload(["psubench.training.session", "torch._dynamo"])
        from multiprocessing import forkserver

        forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return context


def _train(case: Training, folder: Path, events: Connection) -> None:
    """In the process of a training."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and then ends this process
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.dup2(2, 1)  # output of a plug-in is not a result
    together([(case, folder)], lambda _, event: events.send_bytes(encode(event)))


def _die_with_parent() -> None:
    """Ends a training without a parent, so that it does not go on writing checkpoints."""
    parent = mp.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
