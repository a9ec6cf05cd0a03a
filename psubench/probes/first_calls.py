"""First calls of implementations that build or compile code then: before any window, and never silently.

A loop over 128 steps takes torch.compile minutes, during which a worker says nothing. It is kept alive
here, for a while, and the time goes into the record, apart from run time.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

READY_SECONDS = 1800.0
"""For so long a neuron may build and compile; then it has to answer as any other."""

_BEAT_SECONDS = 1.0


@contextmanager
def alive(mark: Callable[[], None]) -> Iterator[None]:
    """Gives signs of life from another thread while the block runs, for READY_SECONDS at most."""
    done = threading.Event()

    def beat() -> None:
        end = time.monotonic() + READY_SECONDS
        while not done.wait(_BEAT_SECONDS) and time.monotonic() < end:
            mark()

    thread = threading.Thread(target=beat, daemon=True)
    mark()
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def first_call(module: nn.Module, call: Callable[[], object]) -> dict[str, Any] | None:
    """Runs `call`, what will be timed, for the first time.

    Returns:
        Where `module` is or holds compiled neurons: `seconds` that it took, and `graph_breaks`, how often
        tracing had to go back to Python. None for any other.
    """
    if graphs(module) is None:
        call()
        return None
    breaks, began = _graph_breaks(), time.perf_counter()
    call()
    return {"seconds": time.perf_counter() - began, "graph_breaks": _graph_breaks() - breaks}


def graphs(module: nn.Module) -> int | None:
    """How many graphs have been compiled for the neurons of a module; None if it has none to compile."""
    counts = [getattr(part, "graphs", None) for part in module.modules()]
    found = [count for count in counts if isinstance(count, int)]
    return sum(found) if found else None


def _graph_breaks() -> int:
    # Not imported before something was compiled: it takes a second.
    counted = sys.modules.get("torch._dynamo.utils")
    return 0 if counted is None else sum(counted.counters["graph_break"].values())
