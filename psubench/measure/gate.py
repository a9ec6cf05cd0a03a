"""What binds the gate to the clock: what is timed gives the spikes that were verified, and changes nothing.

Two inputs are fed in turn, so that a cached output saves at most one call in two; results of a window are
compared after its clock has stopped; the inputs are compared with private copies.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from psubench.devices.process_state import Changes, ProcessState
from psubench.errors import CASE_FAILED, PsubenchError, WrongError
from psubench.measure.contestants import SpoiledError
from psubench.measure.feed import Feed
from psubench.neurons.calling import random_state, set_seed
from psubench.neurons.tolerances import TOLERANCES
from psubench.records.outcomes import Spikes

if TYPE_CHECKING:
    from psubench.devices import Device
    from psubench.measure.subject import Subject

SWEEP_SHARE = 100.0  # a sweep is due when this many times its own duration has passed
MEMO_TRIES = 9
MEMO_LOOKS = 3
MEMO_RATIO = 2.0  # a call on new content takes this much longer if outputs are cached
MEMO_LEAST_NS = 2_000


class LeakError(PsubenchError):
    """A neuron changes settings that others in its process depend on."""

    def __init__(self, what: str) -> None:
        super().__init__(what, "leave it unchanged, so that it can be measured next to others", CASE_FAILED)


@dataclass
class Guard:
    """Checks what contestants could change for each other while they are timed.

    Attributes:
        strict: whether everything is compared after every sample, to find the cause.
    """

    feed: Feed
    strict: bool = False
    state: ProcessState = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """From here on, in the mode in which contestants are timed, nothing may change."""
        self.state, self._quick, self._pid, self._due = ProcessState(), _quick(), os.getpid(), 0.0

    def after(self, label: str) -> None:
        """Called after a sample: restores what its contestant has changed, and raises.

        Raises:
            WrongError: it has written to an input.
            LeakError: it has changed a setting.
            SpoiledError: it has changed something that cannot be restored.
        """
        if os.getpid() != self._pid:
            os._exit(0)  # a fork of this process by a contestant
        if self.feed.touched() or self.strict:
            self.feed.check()
        if self.strict or _quick() != self._quick:
            complain(label, self.state.put_back(), "while it is measured")

    def due(self) -> bool:
        """Whether enough time has passed that the cost of a sweep is negligible."""
        return time.monotonic() >= self._due

    def sweep(self) -> str | None:
        """Compares and restores everything; returns the changes. From then on it checks every sample."""
        began = time.monotonic()
        changes = self.state.put_back()
        found = [*changes.timed, *changes.left, *(["an input"] if self.feed.put_back() else [])]
        now = time.monotonic()
        self._due = now + SWEEP_SHARE * (now - began)
        if changes.left and not self.strict:
            raise SpoiledError(None, f"a neuron leaves {', '.join(changes.left)} while being measured")
        self.strict = self.strict or bool(found)
        return ", ".join(found) or None


def complain(label: str, changes: Changes, when: str) -> None:
    """Raises LeakError for settings that were changed, SpoiledError for what cannot be restored."""
    if changes.left:
        raise SpoiledError(label, f"it leaves {', '.join(changes.left)} {when}")
    if changes.timed:
        raise LeakError(f"it changes {', '.join(changes.timed)} {when}")


def _quick() -> tuple[object, ...]:
    """The checks that are cheap enough for every sample."""
    return (
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        threading.active_count(),
        _has_children(),
    )


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


@dataclass
class Witness:
    """The results that a subject must return while it is timed.

    Attributes:
        call: the call that is timed; returns the number of its input and a result.
        expected: result per input.
        feed: of the inputs; None if nothing else is measured.
        draws: whether it takes random numbers: then a result is that of the first call after `prepare`.
    """

    subject: Subject
    call: Callable[[], tuple[int, Any]]
    expected: dict[int, Any] = field(default_factory=dict)
    draws: bool = False
    feed: Feed | None = None

    @classmethod
    def of(cls, subject: Subject, feed: Feed | None = None) -> Witness:
        """Calls a subject that has passed the gate, and keeps its results.

        Raises:
            WrongError: its spikes are not those that the gate has verified.
        """
        witness = cls(subject, subject.call(), feed=feed)
        for _ in range(2):
            witness.prepare()
            before = random_state(subject.x.device)
            number, result = witness.again()
            witness.expected[number] = _copied(result)  # it may be a view of the input
            witness.draws |= not torch.equal(before, random_state(subject.x.device))
        return witness

    def again(self) -> tuple[int, Any]:
        """One call as it is timed."""
        self.subject.mark()
        with self.subject.grad_mode():
            number, result = self.call()
        return number, _detached(result)

    def prepare(self) -> None:
        """Called before a window: sets equal random numbers, if it uses any."""
        if self.draws or len(self.expected) < 2:
            set_seed(self.subject.seed)

    def check(self, kept: object) -> None:
        """Raises WrongError unless a kept result is the one that is expected for its input."""
        if kept is None:
            return  # of a device that makes no calls
        assert isinstance(kept, tuple)
        number, result = kept
        problem = _difference(_detached(result), self.expected[number])
        if problem and self.feed is not None and not self.feed.strict:
            # Another one may be the cause: in a fresh process everything is compared after every sample.
            raise SpoiledError(None, f"a result changes while it is measured: {problem}")
        if problem:
            raise WrongError(f"while it is measured it gives {problem}")

    def check_unchanged(self, activity: Spikes | None) -> None:
        """Raises WrongError unless its results are the same as before it was measured."""
        self.prepare()
        self.check(self.again())
        if Spikes(**self.subject.activity()) != activity:
            raise WrongError("after being measured it gives other spikes than before")

    def check_swapped(self, feed: Feed) -> None:
        """Raises WrongError if results do not follow the contents of the inputs."""
        if self.draws:
            return
        feed.swap()
        try:
            for _ in range(2):
                number, result = self.again()
                if _difference(result, self.expected[1 - number]):
                    raise WrongError("it caches outputs: on a new input it returns those of the old one")
        finally:
            feed.put_back()

    def check_memory(self, device: Device, feed: Feed) -> None:
        """Raises WrongError if calls on known content are far faster than on new content."""
        if device.name == "scripted":
            return
        for _ in range(MEMO_LOOKS):  # all must agree: a busy machine may distort one
            known, new = self._known_and_new_ns(device, feed)
            if new <= MEMO_RATIO * known or new - known <= MEMO_LEAST_NS:
                return
        raise WrongError(
            f"it caches outputs: a call takes {new / 1000:.3g} µs on new content,"
            f" {known / 1000:.3g} µs on known content"
        )

    def _known_and_new_ns(self, device: Device, feed: Feed) -> tuple[int, int]:
        """The shortest call on the first input as it was timed, and with content that it never had."""
        label = self.subject.ref.text
        new: list[int] = []
        with self.subject.grad_mode():
            known = [_ns(device, label, self.call) for _ in range(2 * MEMO_TRIES)]
            try:
                while len(new) < MEMO_TRIES:
                    self.subject.mark()
                    feed.renew()
                    ns, number = _ns(device, label, self.call)
                    if number:  # of the second input, which has not changed
                        ns, number = _ns(device, label, self.call)
                    new.append(ns)
            finally:
                feed.put_back()
        return min(ns for ns, number in known if not number), min(new)


def _ns(device: Device, label: str, call: Callable[[], tuple[int, Any]]) -> tuple[int, int]:
    """Time of one call, and the number of its input."""
    sample = device.sample(label, call, 1)
    return sample.device_ns or sample.wall_ns, sample.result[0]  # type: ignore[index]


def _copied(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(map(_copied, result))
    return result.clone() if isinstance(result, Tensor) else result


def _detached(result: Any) -> Any:
    if isinstance(result, Tensor):
        return result.detach()
    if isinstance(result, tuple | list):
        return tuple(_detached(one) for one in result)
    return result


def _difference(found: Any, expected: Any) -> str | None:
    """The difference of a result from the expected one, in words."""
    if isinstance(expected, tuple):
        if not isinstance(found, tuple) or len(found) != len(expected):
            return "other gradients"
        return next(filter(None, map(_difference, found, expected)), None)
    if not isinstance(expected, Tensor) or not isinstance(found, Tensor):
        return None if type(found) is type(expected) else f"a {type(found).__name__}"
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return f"{found.dtype} {list(found.shape)} instead of {expected.dtype} {list(expected.shape)}"
    if torch.equal(found, expected):
        return None
    if not found.isfinite().all():
        return "NaN or infinity"
    differ = int((found != expected).sum())
    spikes = bool(((expected == 0) | (expected == 1)).all())
    if not spikes and float((found - expected).abs().max()) <= _rounding(expected):
        return None
    return f"other results than it was checked with: {differ} of {expected.numel()} differ"


def _rounding(expected: Tensor) -> float:
    tolerance = TOLERANCES.get(expected.dtype)
    return (tolerance.gradient if tolerance else 0.0) * float(expected.abs().max())
