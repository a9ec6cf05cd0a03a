"""What is kept of a trace: time, launches and memory per layer and per operator, over all recorded calls."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from psubench.experiments.profile.trace import memory
from psubench.experiments.profile.trace.events import Event, Trace
from psubench.experiments.profile.trace.operators import dispatches, launches
from psubench.experiments.profile.trace.places import Place, placed

ROLES = ("neuron", "synapse", "other", "unattributed")
"""Of a layer: spiking; with weights between neurons; anything else, also what is in no layer. And of what is
not known to belong anywhere."""
REST, UNKNOWN = "(no layer)", "(unattributed)"
FORWARD = "forward"
"""Name of the range of the forward pass."""


@dataclass
class _Sums:
    """Of a layer, in one direction."""

    self_ns: int = 0
    device_ns: int = 0
    launches: int = 0
    allocated_bytes: int = 0


@dataclass
class _Operator:
    """Of all events of one name and role."""

    calls: int = 0
    self_ns: int = 0
    total_ns: int = 0
    device_ns: int = 0
    bytes: int = 0


@dataclass
class _Ledger:
    """Fills sums while events pass by.

    Attributes:
        layers: fields title, layer, role and kind of each layer of the network.
    """

    trace: Trace
    layers: Sequence[dict[str, str]]
    calls: list[Event]
    places: dict[int, Place] = field(default_factory=dict)
    sums: dict[tuple[str, bool], _Sums] = field(default_factory=dict)
    operators: dict[tuple[str, str], _Operator] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    def fill(self, *, on_device: bool) -> None:
        self.roles = {layer["title"]: layer["role"] for layer in self.layers}
        self.roles |= {REST: "other", UNKNOWN: "unattributed"}
        for event, place in placed(self.trace, self.roles):
            if self._inside(event):
                self._time(event, place)
        for root in self._roots():
            for event in (launches if on_device else dispatches)(root):
                if id(event) in self.places:
                    self._of(self.places[id(event)]).launches += 1
        self._allocations(on_device)

    def _inside(self, event: Event) -> bool:
        """Whether an event, on whatever thread, began during a recorded call."""
        return any(call.start <= event.start < call.end for call in self.calls)

    def _roots(self) -> Iterator[Event]:
        return (root for roots in self.trace.threads.values() for root in roots)

    def _of(self, place: Place) -> _Sums:
        title = UNKNOWN if not place.known else place.title or REST
        return self.sums.setdefault((title, place.backward), _Sums())

    def _operator(self, event: Event, place: Place) -> _Operator:
        role = self.roles[place.title or REST] if place.known else "unattributed"
        return self.operators.setdefault((event.name, role), _Operator())

    def _time(self, event: Event, place: Place) -> None:
        self.places[id(event)] = place
        sums = self._of(place)
        sums.self_ns += event.self_ns
        started = self.trace.device_ns.get(event.correlation, 0) if event.correlation is not None else 0
        sums.device_ns += started
        if event.kind == "cpu_op":
            operator = self._operator(event, place)
            operator.calls += 1
            operator.self_ns += event.self_ns
            operator.total_ns += event.total_ns
            runtime = (child for child in event.children if child.correlation is not None)
            operator.device_ns += sum(self.trace.device_ns.get(c.correlation or 0, 0) for c in runtime)

    def _allocations(self, on_device: bool) -> None:
        """Gives every allocation to the innermost event around it."""
        for thread, roots in self.trace.threads.items():
            mine = [a for a in self.trace.allocations if a.thread == thread and a.on_device == on_device]
            for allocation in mine:
                event, operator = _around(roots, allocation.at)
                if event is None or id(event) not in self.places:
                    continue
                place = self.places[id(event)]
                self._of(place).allocated_bytes += max(0, allocation.size)
                if operator is not None:
                    self._operator(operator, self.places[id(operator)]).bytes += allocation.size


def _around(roots: Sequence[Event], at: int) -> tuple[Event | None, Event | None]:
    """The innermost event at a time, and the innermost that is an operator or a node of autograd."""
    event: Event | None = None
    operator: Event | None = None
    inside = roots
    while inside:
        number = bisect_right(inside, at, key=lambda event: event.start) - 1
        if number < 0 or inside[number].end <= at:
            break
        event = inside[number]
        operator = event if event.kind == "cpu_op" else operator
        inside = event.children
    return event, operator


def summarise(trace: Trace, layers: Sequence[dict[str, str]], *, on_device: bool) -> dict[str, Any]:
    """Sums over all recorded calls, as the record holds them.

    Args:
        layers: title of its range, name, role and kind of every layer, in the order of the network.
        on_device: whether a GPU did the work: launches are then kernel launches, else dispatches.

    Returns:
        calls: how many; call_ns: their durations. layers: per layer and direction self time of the host,
        time of the device, launches, bytes that were taken. operators: per name and role number of events,
        self and total time, time of the device, bytes kept. memory: see `memory.timeline`, of the first
        call, in which the forward pass ends after forward_ns.
    """
    calls = trace.calls()
    if not calls:
        raise ValueError("the trace holds no recorded call")
    ledger = _Ledger(trace, layers, calls)
    ledger.fill(on_device=on_device)
    rest = [
        {"title": REST, "layer": REST, "role": "other", "kind": ""},
        {"title": UNKNOWN, "layer": UNKNOWN, "role": "unattributed", "kind": ""},
    ]
    return {
        "calls": len(calls),
        "call_ns": [call.total_ns for call in calls],
        "layers": [_row(layer, ledger) for layer in (*layers, *rest)],
        "operators": [
            {"operator": name, "role": role, **vars(sums)}
            for (name, role), sums in sorted(ledger.operators.items(), key=lambda item: -item[1].self_ns)
        ],
        "memory": memory.timeline(trace, calls[0], on_device=on_device),
        "forward_ns": next((e.end - calls[0].start for e in calls[0].children if e.name == FORWARD), None),
    }


def _row(layer: dict[str, str], ledger: _Ledger) -> dict[str, Any]:
    both = {
        name: vars(ledger.sums.get((layer["title"], backward), _Sums()))
        for name, backward in (("forward", False), ("backward", True))
    }
    return {**{name: layer[name] for name in ("layer", "role", "kind")}, **both}
