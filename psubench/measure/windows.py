"""Energy of contestants: windows of seconds between two readings of the counters, interleaved.

Returns raw counts and prints nothing; `psubench.experiments.energy.rows` makes joules of them.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from msgspec import structs

from psubench.devices.energy_counter import Counter, Reading
from psubench.errors import PsubenchError
from psubench.measure.contestants import Contestant, Guard, SpoiledError, Unguarded, tied
from psubench.records import measured
from psubench.records.measured import AGAIN, IDLE

if TYPE_CHECKING:
    from psubench.devices import Device, Sample

CHUNKS = 50  # parts of a window, after each of which the clock is looked at
WARM_SHARE = 0.1  # of a window: its contestant runs before it begins, so that clocks and heat settle
WARM_UP_CALLS = 3


@dataclass(frozen=True)
class Windowing:
    """How energy is measured: windows per contestant, and the least length of each in seconds."""

    count: int
    seconds: float

    def total_seconds(self, contestants: int) -> float:
        """Duration of `Metering.measure` for `contestants` contestants, one of which is the reference."""
        rounds = self.count * ((contestants + 1) * (1 + WARM_SHARE) + 1)
        return (rounds + 1) * self.seconds


@dataclass
class Windows:
    """Raw windows.

    Attributes:
        counters: what each entry of a window's `counts` counts: source, name, joules per count, and
            its resolution where it is known.
        windows: in the order in which they ran: round (None before the first), label (`idle` for
            windows in which nothing ran), calls, wall time in ns, counts per counter and, where one
            is None, the reason.
        failures: exceptions of contestants, which have no windows.
    """

    counters: list[measured.Counter]
    windows: list[measured.Window] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)
    failures: dict[str, BaseException] = field(default_factory=dict)

    def problem(self, label: str) -> BaseException | None:
        """Why a contestant has no result: it raised, or no window of it could be read."""
        if label in self.failures:
            return self.failures[label]
        reasons = [window.reason for window in self.windows if window.label == label]
        if not reasons or None in reasons:
            return None
        return PsubenchError(
            f"no window could be read: {reasons[0]}", "psubench doctor lists the counters of this machine"
        )

    def remove(self, label: str, failure: BaseException) -> None:
        """Removes a contestant that failed; the windows of the others stay valid."""
        self.failures[label] = failure
        self.windows = [window for window in self.windows if window.label != label]

    def spoil(self, number: int, reason: str) -> None:
        """Invalidates all windows of a round, if the cause of a change is unknown."""
        unknown: list[int | float | None] = [None] * len(self.counters)
        self.windows = [
            structs.replace(window, counts=unknown, reason=reason) if window.round == number else window
            for window in self.windows
        ]

    def fields(self) -> dict[str, Any]:
        """Its part of the record."""
        return {"counters": self.counters, "windows": self.windows, "states": self.states}


@dataclass(frozen=True)
class Metering:
    """Measures contestants side by side by the counters of one device.

    Attributes:
        mark: called with the label of what runs next, so that a hang or a crash can be attributed.
        on_round: called between rounds, outside every window.
        guard: called after every window and between rounds.
        clock: nanoseconds, monotonic.
        sleep: waits while nothing runs.
    """

    device: Device
    counters: Sequence[Counter]
    plan: Windowing
    rng: random.Random
    mark: Callable[[str], None]
    on_round: Callable[[Windows], None]
    guard: Guard = field(default_factory=Unguarded)
    clock: Callable[[], int] = time.perf_counter_ns
    sleep: Callable[[float], None] = time.sleep

    def measure(self, contestants: Sequence[Contestant], reference: str | None) -> Windows:
        """Rounds of one window per contestant in a fresh order, two of the reference, and one idle.

        There is an idle window before the first round and after each, so every round lies between two.
        A contestant that raises is removed; the others continue.

        Args:
            reference: label of the contestant that the others are compared with; None if it has
                failed already.
        """
        result = Windows([self._about(counter) for counter in self.counters])
        loops: dict[str, int] = {}
        for contestant in contestants:
            try:
                loops[contestant.label] = self._chunk(contestant)
                self.guard.after(contestant.label)
            except SpoiledError:
                raise
            except BaseException as error:  # the boundary of the worker: a plug-in may raise anything
                result.failures[contestant.label] = error
        live = [c for c in contestants if c.label in loops]
        live += [replace(c, label=AGAIN) for c in live if c.label == reference]
        loops[AGAIN] = loops.get(reference or "", 1)
        if not live:
            return result
        result.states.append(self.device.state())
        self._idle(None, result)
        for number in range(self.plan.count):
            self._round(number, live, loops, reference, result)
            if not live:
                break
            self._idle(number, result)
            if (changed := self.guard.sweep()) is not None:
                result.spoil(number, f"{changed} was changed")
            self.on_round(result)
        result.states.append(self.device.state())
        return result

    def _about(self, counter: Counter) -> measured.Counter:
        resolution, reason = counter.resolution()
        return measured.Counter(
            source=counter.source,
            name=counter.name,
            unit_j=counter.unit_j,
            step_j=resolution and resolution.step_j,
            period_s=resolution and resolution.period_s,
            reason=reason,
        )

    def _chunk(self, contestant: Contestant) -> int:
        """Warms a contestant up; returns the calls that fill a small part of a window."""
        self._sample(contestant, WARM_UP_CALLS)
        loops = 1
        while self._sample(contestant, loops) * 2 * CHUNKS < self.plan.seconds * 1e9:
            loops *= 2
        return loops

    def _sample(self, contestant: Contestant, loops: int) -> int:
        self.mark(contestant.label)
        return self._kept_sample(contestant, loops).wall_ns

    def _kept_sample(self, contestant: Contestant, loops: int) -> Sample:
        with contestant.mode():
            return self.device.sample(contestant.label, contestant.call, loops, contestant.kept(loops))

    def _round(
        self,
        number: int,
        live: list[Contestant],
        loops: dict[str, int],
        reference: str | None,
        result: Windows,
    ) -> None:
        for contestant in self.rng.sample(live, len(live)):
            if contestant.label in result.failures:
                continue
            try:
                self._window(number, contestant, loops[contestant.label], result)
            except SpoiledError:
                raise
            except BaseException as error:  # the boundary of the worker
                for label in tied(contestant.label, reference):
                    result.remove(label, error)
        live[:] = [c for c in live if c.label not in result.failures]

    def _window(self, number: int, contestant: Contestant, loops: int, result: Windows) -> None:
        seconds = self.plan.seconds
        # Python's collector stays on: cycles of thousands of calls would fill the memory, and in seconds
        # it uses next to nothing. This contestant must not pay for the garbage of others.
        gc.collect()
        try:
            self._run(contestant, loops, seconds * WARM_SHARE)
            before, began = self._read(), self.clock()
            calls = self._run(contestant, loops, seconds)
            self._add(result, number, contestant.label, calls, began, before)
            contestant.prepare()
            self.mark(contestant.label)
            contestant.check(self._kept_sample(contestant, loops).result)
        finally:
            self.guard.after(contestant.label)

    def _run(self, contestant: Contestant, loops: int, seconds: float) -> int:
        """Calls for at least `seconds`; returns the number of calls."""
        calls, until = 0, self.clock() + seconds * 1e9
        while self.clock() < until:
            self._sample(contestant, loops)  # synchronises: all its work is done when it returns
            calls += loops
        return calls

    def _idle(self, number: int | None, result: Windows) -> None:
        before, began = self._read(), self.clock()
        self.sleep(self.plan.seconds)
        self._add(result, number, IDLE, 0, began, before)

    def _read(self) -> list[Reading]:
        return [counter.read() for counter in self.counters]

    def _add(
        self, result: Windows, number: int | None, label: str, calls: int, began: int, before: list[Reading]
    ) -> None:
        wall_ns, after = self.clock() - began, self._read()
        spent = [c.spent(b, a) for c, b, a in zip(self.counters, before, after, strict=True)]
        result.windows.append(
            measured.Window(
                round=number,
                label=label,
                calls=calls,
                wall_ns=wall_ns,
                counts=[reading.value for reading in spent],
                reason=next((reading.reason for reading in spent if reading.reason), None),
            )
        )
