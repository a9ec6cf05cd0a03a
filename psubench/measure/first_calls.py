"""First calls of implementations that build or compile code, made before any window.

A loop over 128 steps takes torch.compile minutes, during which a worker reports nothing. It is kept alive
here for a limited time, which is recorded separately from run time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from torch import nn

from psubench.records.outcomes import Compilation

READY_SECONDS = 1800.0
"""Longest time that a neuron may build and compile; after it the usual timeout applies."""

_BEAT_SECONDS = 1.0


def first_calls(calls: Callable[[], object], layers: Sequence[nn.Module]) -> Compilation | None:
    """Makes the first calls.

    Args:
        calls: in every way in which it will be timed.
        layers: the spiking layers that are called.

    Returns:
        For compiled layers `seconds` until they were ready, `graphs` compiled so far, and
        `graph_breaks`: how often tracing went back to Python. None for any others.
    """
    if not any(hasattr(layer, "graphs") for layer in layers):
        calls()
        return None
    before = _graph_breaks()
    began = time.perf_counter()
    calls()
    seconds = time.perf_counter() - began
    return Compilation(seconds=seconds, graphs=graphs(layers), graph_breaks=_graph_breaks() - before)


def graphs(layers: Sequence[nn.Module]) -> int:
    """How many graphs have been compiled for these layers."""
    return sum(int(getattr(layer, "graphs", 0)) for layer in layers)


def _graph_breaks() -> int:
    from psubench.neurons.compiled import graph_breaks

    return graph_breaks()


@contextmanager
def alive(mark: Callable[[], None]) -> Iterator[None]:
    """Reports progress from another thread while the block runs, for READY_SECONDS at most."""
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
