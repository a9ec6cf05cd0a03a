"""First calls of implementations that build or compile code then: before any window, and never silently.

A loop over 128 steps takes torch.compile minutes, during which a worker says nothing. It is kept alive
here, for a while, and the time goes into the record, apart from run time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

READY_SECONDS = 1800.0
"""For so long a neuron may build and compile; then it has to answer as any other."""

_BEAT_SECONDS = 1.0


def first_calls(
    module: nn.Module, inputs: Sequence[Tensor], train: bool, mark: Callable[[], None]
) -> dict[str, Any] | None:
    """Calls the module in every way in which it will be checked and timed.

    Args:
        inputs: what it will be called with; the first one is what will be timed.
        train: whether it will be asked for gradients.
        mark: a sign of life.

    Returns:
        For a compiled module `seconds` until it was ready for the first input, `graphs` compiled for all
        inputs, and `graph_breaks`: how often tracing went back to Python. None for any other.
    """
    compiled = hasattr(module, "graphs")
    breaks = _graph_breaks() if compiled else 0
    seconds = []
    with _alive(mark):
        for number, x in enumerate(inputs):
            began = time.perf_counter()
            with torch.no_grad():
                module(x)
            if train:
                leaf = x.clone().requires_grad_()
                torch.autograd.grad(module(leaf), leaf, torch.ones_like(x))
            elif number == 0:
                with torch.inference_mode():
                    module(x)
            seconds.append(time.perf_counter() - began)
    if not compiled:
        return None
    return {"seconds": seconds[0], "graphs": module.graphs, "graph_breaks": _graph_breaks() - breaks}


def _graph_breaks() -> int:
    from psubench.neurons.compiled import graph_breaks

    return graph_breaks()


@contextmanager
def _alive(mark: Callable[[], None]) -> Iterator[None]:
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
