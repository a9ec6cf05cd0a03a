"""A Chrome trace as trees of nested events, one forest per thread. Times are integer nanoseconds."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

STEP = "ProfilerStep#"
"""Begins the name of the range that the profiler puts around every call that is recorded."""
_HOST = ("cpu_op", "user_annotation", "cuda_runtime", "cuda_driver")
_DEVICE = ("kernel", "gpu_memcpy", "gpu_memset")
_MEMORY = "[memory]"


@dataclass(slots=True)
class Event:
    """Something that took time on a thread of the host.

    Attributes:
        kind: "cpu_op", "user_annotation", "cuda_runtime" or "cuda_driver".
        start, end: ns.
        sequence: autograd's number of the node that the operator may have made, or that is run; None
            without one.
        correlation: joins a call of the CUDA runtime with what it started on the device.
        children: in their order.
    """

    name: str
    kind: str
    start: int
    end: int
    sequence: int | None
    correlation: int | None
    children: list[Event] = field(default_factory=list)

    @property
    def total_ns(self) -> int:
        """With what was called inside."""
        return self.end - self.start

    @property
    def self_ns(self) -> int:
        """Without what was called inside."""
        return self.total_ns - sum(child.total_ns for child in self.children)

    def walk(self) -> Iterator[Event]:
        """The event and everything inside it."""
        todo = [self]
        while todo:
            event = todo.pop()
            yield event
            todo += event.children


@dataclass(frozen=True, slots=True)
class Allocation:
    """Memory that was taken, or given back where `size` is negative, on a thread at a time.

    Attributes:
        on_device: whether it is the GPU's.
    """

    thread: Any
    at: int
    size: int
    on_device: bool


@dataclass(frozen=True)
class Trace:
    """The trees of all threads, what ran on the device, and what was allocated.

    Attributes:
        threads: outermost events per thread.
        device_ns: duration of what a call of the runtime started, by correlation.
        allocations: in their order.
    """

    threads: Mapping[Any, list[Event]]
    device_ns: Mapping[int, int]
    allocations: list[Allocation]

    def calls(self) -> list[Event]:
        """The ranges of the calls that were recorded, in their order."""
        found = [
            event
            for roots in self.threads.values()
            for event in roots
            if event.kind == "user_annotation" and event.name.startswith(STEP)
        ]
        return sorted(found, key=lambda event: event.start)


def read(path: Path) -> Trace:
    """The trace in a file as torch.profiler writes it, gzip or not."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    # As texts: a float has too few digits for nanoseconds since the machine began.
    return parse(json.loads(text, parse_float=str)["traceEvents"])


def parse(events: Iterable[Mapping[str, Any]]) -> Trace:
    """The trace that a list of Chrome's trace events is."""
    flat: dict[Any, list[Event]] = {}
    device: dict[int, int] = {}
    allocations = []
    for event in events:
        kind, args = event.get("cat"), event.get("args", {})
        if event["name"] == _MEMORY:
            on_device = args["Device Type"] != 0
            allocations.append(Allocation(event["tid"], _ns(event["ts"]), args["Bytes"], on_device))
        elif event["ph"] == "X" and kind in _HOST:
            start = _ns(event["ts"])
            made = Event(
                event["name"], kind, start, start + _ns(event["dur"]),
                args.get("Sequence number"), args.get("correlation"),
            )  # fmt: skip
            flat.setdefault(event["tid"], []).append(made)
        elif event["ph"] == "X" and kind in _DEVICE:
            number = args["correlation"]
            device[number] = device.get(number, 0) + _ns(event["dur"])
    allocations.sort(key=lambda allocation: allocation.at)
    return Trace({thread: _nest(some) for thread, some in flat.items()}, device, allocations)


def _ns(microseconds: str | int | float) -> int:
    return round(Decimal(microseconds) * 1000)


def _nest(events: list[Event]) -> list[Event]:
    """The outermost events, each with those inside it as its children."""
    roots: list[Event] = []
    open_: list[Event] = []
    for event in sorted(events, key=lambda event: (event.start, -event.end)):
        while open_ and open_[-1].end <= event.start:
            open_.pop()
        (open_[-1].children if open_ else roots).append(event)
        open_.append(event)
    for root in roots:
        _merge(root)
    return roots


def _merge(root: Event) -> None:
    """Makes one of an operator that does nothing but call itself in another form, as torch's own sums do."""
    for event in root.walk():
        while len(event.children) == 1 and event.children[0].name == event.name:
            event.children = event.children[0].children
