"""Where in the network something happened: which layer, forward or backward.

Forward, an event belongs to the innermost range of a layer around it. Backward, autograd runs one node after
the other; a node has the sequence number that the operator saw which made it. That operator, and with it
the layer, is the last one to start with this number: the number grows as soon as the node is made. A node
that writes into a part of a tensor (CopySlices) has a number that no operator saw, and runs the node of its
operator inside. A node whose operator is not in the trace is not attributed: it is nobody's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from psubench.experiments.profile.trace.events import Event, Trace
from psubench.experiments.profile.trace.operators import is_operator

_NODE = "autograd::engine::evaluate_function: "


class Place(NamedTuple):
    """Where an event happened.

    Attributes:
        title: of the range of a layer; None outside of all layers.
        backward: whether autograd's backward pass ran it.
        known: false for what belongs to a node of autograd that no recorded operator has made.
    """

    title: str | None
    backward: bool
    known: bool = True


def placed(trace: Trace, titles: Collection[str]) -> Iterator[tuple[Event, Place]]:
    """Every event of the host with its place, outer events before those inside them."""
    makers: dict[int, tuple[int, Place]] = {}
    for event, place in _walk(trace, titles, None):
        if not place.backward and event.kind == "cpu_op" and event.sequence is not None:
            before = makers.get(event.sequence)
            if before is None or before[0] < event.start:
                makers[event.sequence] = (event.start, place)
    yield from _walk(trace, titles, {number: place for number, (_, place) in makers.items()})


def _walk(
    trace: Trace, titles: Collection[str], makers: dict[int, Place] | None
) -> Iterator[tuple[Event, Place]]:
    todo = [(root, Place(None, False)) for roots in trace.threads.values() for root in roots]
    while todo:
        event, place = todo.pop()
        if event.kind == "cpu_op" and event.name.startswith(_NODE):
            place = _of_node(event, makers or {})
        elif event.kind == "user_annotation" and event.name in titles:
            place = place._replace(title=event.name)
        yield event, place
        todo += [(child, place) for child in event.children]


def _of_node(node: Event, makers: dict[int, Place]) -> Place:
    for event in node.walk():
        if event.kind == "cpu_op" and event.sequence in makers and not is_operator(event):
            return makers[event.sequence]._replace(backward=True)
    return Place(None, True, known=False)
