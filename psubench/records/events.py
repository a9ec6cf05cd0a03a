"""What a process that measures or trains tells its parent while it works, and the parent whoever watches."""

from __future__ import annotations

import json
from typing import Any, Protocol, cast

import msgspec
from msgspec import Struct

from psubench.records.bounds import Status
from psubench.records.trained import Epoch, Trained

Ratios = dict[str, tuple[float, float | None, float | None]]
"""Ratio, and the ends of its interval where there is one, by name."""


class Event(Struct, frozen=True, tag_field="event"):
    """One of the structs below."""


class Ready(Event, frozen=True, tag="ready"):
    """The host has imported torch."""


class Started(Event, frozen=True, tag="started"):
    """The host has forked a worker for a job."""

    pid: int


class Ended(Event, frozen=True, tag="ended"):
    """The worker is gone; exit code, or the negative number of a signal."""

    code: int


class Lost(Event, frozen=True, tag="lost"):
    """The whole job failed.

    Attributes:
        blamed: number of the entry that spoiled it; None if none is known.
        strict: whether it is to be tried again with everything compared after every sample.
    """

    status: Status
    message: str
    blamed: int | None = None
    strict: bool = False


class Recorded(Event, frozen=True, tag="record"):
    """JSON of a record for the file of the run; whoever receives it checks it with `structs.build`."""

    record: dict[str, Any]


class Message(Event, frozen=True, tag="message"):
    """A sentence for the user."""

    text: str


class Failed(Event, frozen=True, tag="case"):
    """A case of a block has ended badly.

    Attributes:
        neuron: name in the block; whoever watches is told the label.
    """

    neuron: str
    status: Status
    message: str | None


class Live(Event, frozen=True, tag="live"):
    """Ratios of a block so far."""

    ratios: Ratios
    rounds: int


class Begin(Event, frozen=True, tag="begin"):
    """A block or a training begins, or a training goes on after an epoch."""

    epoch: int = 0
    epochs: int = 1


class Step(Event, frozen=True, tag="step"):
    """How far an epoch of a training is; what is None is unknown.

    Attributes:
        epoch: from 1.
        done: share of it, from 0 to 1.
        loss: over the samples of the epoch so far.
    """

    epoch: int
    done: float | None
    loss: float | None
    samples_per_second: float


class Measured(Event, frozen=True, tag="measured"):
    """A block is in the record."""

    seconds: float
    ratios: Ratios


Told = Ready | Started | Ended | Lost | Recorded | Message | Failed | Live | Begin | Step
"""What goes from process to process."""
Shown = Begin | Live | Step | Failed | Measured | Epoch | Trained
"""What goes to whoever watches: also the records of a training, once they are on the disk."""


class Watcher(Protocol):
    """Told how a run goes on; shows it or does not."""

    def plan(self, units: str, count: int, steps: int) -> None:
        """The number of "blocks" or "trainings" to come, and of their steps."""

    def hear(self, title: str, event: Shown) -> None:
        """What a block or a training, named by its title, tells."""

    def message(self, text: str) -> None:
        """A sentence for the user."""


def encode(event: Event) -> bytes:
    """An event as one line of JSON without its newline.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(msgspec.to_builtins(event), allow_nan=False).encode()


def decode(line: bytes) -> Told:
    """The event that `encode` has written.

    Raises:
        ValueError: it is none, such as what a process was writing when it was killed.
    """
    # Not by msgspec's own decoder: names of files may hold bytes that are not text.
    return cast("Told", msgspec.convert(json.loads(line), Told))
