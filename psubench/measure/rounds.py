"""The clock: interleaved, shuffled rounds of paired samples. Returns raw numbers and prints nothing."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from psubench.devices import Counters
from psubench.measure.contestants import Checks, Contestant, Guard, SpoiledError, Unguarded, tied
from psubench.records.measured import AGAIN
from psubench.stats import intervals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psubench.devices import Device, Sample

MIN_ROUNDS = 6  # the fewest that give a median an interval
FIRST_LOOK = 12  # rounds at which the stop rule is checked first; then at twice as many each time
MAX_LOOPS = 1_000_000
MOST_DROPPED = 120  # rounds; then it ends, although settings go on being changed
WARM_UP_CALLS = 3
WARM_UP_NS = 30_000_000
WARM_UP_MOST_NS = 1_000_000_000  # no further call after so long: a round that does not count follows


@dataclass(frozen=True)
class Limits:
    """When the rounds end: at a relative interval width, or after some seconds of samples."""

    precision: float
    max_seconds: float


@dataclass
class Measurement:
    """Raw samples: one integer per contestant and kept round, in nanoseconds for `loops` calls.

    Attributes:
        order: per round the indices into `labels`, as they ran.
        faults: minor page faults per round, in its windows.
        cpu_ns: processor time per round in its windows, all threads.
        dropped: number of rounds by the reason why they do not count: throttling, changed settings.
        states: state of the device before the first and after the last round.
        failures: exceptions of contestants, which have no samples.
    """

    labels: list[str] = field(default_factory=list)
    loops: int = 0
    wall_ns: dict[str, list[int]] = field(default_factory=dict)
    device_ns: dict[str, list[int]] = field(default_factory=dict)
    order: list[list[int]] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)
    cpu_ns: list[int] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    stopped: str = "seconds"
    states: list[Mapping[str, Any]] = field(default_factory=list)
    failures: dict[str, BaseException] = field(default_factory=dict)

    def begin(self, labels: list[str], loops: int) -> None:
        """Names the columns that rounds will fill."""
        self.labels, self.loops = labels, loops
        self.wall_ns = {label: [] for label in labels}

    def clear(self) -> None:
        """Forgets every round so far."""
        self.wall_ns = {label: [] for label in self.wall_ns}
        self.device_ns, self.order, self.faults, self.cpu_ns, self.dropped = {}, [], [], [], {}

    def add(self, samples: Mapping[str, Sample], used: Counters) -> None:
        """Keeps one round; `samples` in the order in which they ran."""
        self.order.append([self.labels.index(label) for label in samples])
        self.faults.append(used.minor_faults)
        self.cpu_ns.append(used.cpu_ns)
        for label, sample in samples.items():
            self.wall_ns[label].append(sample.wall_ns)
            if sample.device_ns is not None:
                self.device_ns.setdefault(label, []).append(sample.device_ns)

    def cut(self, rounds: int, reason: str) -> None:
        """Drops all rounds after the first `count`, for every contestant."""
        gone = len(self.order) - rounds
        if gone <= 0:
            return
        self.dropped[reason] = self.dropped.get(reason, 0) + gone
        for samples in (*self.wall_ns.values(), *self.device_ns.values()):
            del samples[rounds:]
        del self.order[rounds:], self.faults[rounds:], self.cpu_ns[rounds:]

    def problem(self, label: str) -> BaseException | None:
        """Why a contestant has no result: it raised, or no round of it was kept."""
        if label in self.failures or self.order:
            return self.failures.get(label)
        reasons = ", ".join(f"{reason} in {count}" for reason, count in self.dropped.items())
        return RuntimeError(f"no round was left: {reasons}")

    def fields(self) -> dict[str, Any]:
        """Its part of the record."""
        return {
            "rounds": len(self.order),
            "loops": self.loops,
            "stopped": self.stopped,
            "labels": self.labels,
            "order": self.order,
            "wall_ns": self.wall_ns,
            "device_ns": self.device_ns or None,
            "faults": self.faults,
            "cpu_ns": self.cpu_ns,
            "dropped": self.dropped,
            "states": self.states,
        }

    def remove(self, label: str, failure: BaseException) -> None:
        """Removes a contestant that failed; the samples of the others stay valid."""
        self.failures[label] = failure
        self.wall_ns.pop(label, None)
        self.device_ns.pop(label, None)

    def log_ratio(self, reference: str, label: str) -> intervals.Interval:
        """log(t_reference / t_label) over the rounds so far, by the device's clock where it has one."""
        times = self.device_ns or self.wall_ns
        return intervals.over_rounds(intervals.log_ratios(times[reference], times[label]))


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Python's garbage collector is emptied, frozen and off inside."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def inner_loops(ns_per_call: Sequence[int], min_sample_ns: int, max_round_ns: float) -> int:
    """Calls per sample such that the fastest contestant's sample lasts long enough to be timed.

    Fewer where a round of all contestants would last too long: with one neuron 1,000 times as fast as
    another, the fast one's samples are short and noisy, and the others' still get their rounds.
    """
    wanted = -(-min_sample_ns // max(1, min(ns_per_call)))
    affordable = int(max_round_ns / max(1, sum(ns_per_call)))
    return max(1, min(MAX_LOOPS, wanted, affordable))


@dataclass(frozen=True)
class Interleaver:
    """Measures contestants side by side on one device.

    Attributes:
        mark: called with the label of what runs next, so that a hang or a crash can be attributed.
        on_round: called between rounds, outside every window.
        guard, checks: called after every sample and between rounds; draws the windows to check.
    """

    device: Device
    limits: Limits
    rng: random.Random
    mark: Callable[[str], None]
    on_round: Callable[[Measurement], None]
    guard: Guard = field(default_factory=Unguarded)
    checks: Checks = field(default_factory=Checks)

    def measure(self, contestants: Sequence[Contestant], reference: str | None) -> Measurement:
        """Warms up, sizes the inner loop, and runs rounds until the stop rule ends them.

        In a round every contestant gives one sample, in a freshly shuffled order, and the reference
        two. A contestant that raises is removed; the others continue.

        Args:
            reference: label of the one that the others are compared with; None if it has failed.
        """
        result = Measurement()
        ns_per_call: dict[Contestant, int] = {}
        for contestant in contestants:
            try:
                ns_per_call[contestant] = self._warm_up(contestant)
            except SpoiledError:
                raise
            except BaseException as error:  # the boundary of the worker: a plug-in may raise anything
                result.failures[contestant.label] = error
        live = list(ns_per_call)
        if not live:
            return result
        live += [replace(c, label=AGAIN) for c in live if c.label == reference]
        round_ns = self.limits.max_seconds * 1e9 / MIN_ROUNDS
        loops = inner_loops(list(ns_per_call.values()), self.device.min_sample_ns, round_ns)
        result.begin([c.label for c in live], loops)
        with quiet_collector():
            result.states.append(self.device.state())
            self._rounds(live, reference, result)
            result.states.append(self.device.state())
        return result

    def _warm_up(self, contestant: Contestant) -> int:
        """Calls a contestant until allocator pools and lazy set-up are done; returns its ns per call.

        The least of all samples: a size for the inner loop, not a result.
        """
        spent, calls, least = 0, 0, 0
        while spent < WARM_UP_MOST_NS and (
            calls < WARM_UP_CALLS or (spent < WARM_UP_NS and calls < MAX_LOOPS)
        ):
            loops = max(1, calls)
            sample, _ = self._sample(contestant, loops)
            spent += sample.wall_ns
            calls += loops
            each = max(1, (sample.device_ns or sample.wall_ns) // loops)
            least = min(least, each) if least else each
        return least

    def _sample(self, contestant: Contestant, loops: int) -> tuple[Sample, Counters]:
        """One window and its resource usage; checks afterwards what it has computed and changed."""
        self.mark(contestant.label)
        contestant.prepare()
        drawn = self.checks.draw(contestant, loops)
        kept = loops - 1 if drawn is None else drawn
        try:
            before = self.device.counters()
            with contestant.mode():
                sample = self.device.sample(contestant.label, contestant.call, loops, kept)
            after = self.device.counters()
            if drawn is not None:
                self.checks.run(contestant, sample, loops)
        finally:
            self.guard.after(contestant.label)
        # Without the result, which would hold memory while others are timed.
        return sample._replace(result=None), Counters(*(a - b for a, b in zip(after, before, strict=True)))

    def _rounds(self, live: list[Contestant], reference: str | None, result: Measurement) -> None:
        spent_ns, tried, look, clean = 0, 0, FIRST_LOOK, 0
        # One round that does not count: the order in which memory is taken and given back is new.
        self._round(live, reference, result)
        self._sweep(0, result)
        result.clear()
        while live:
            spent_ns += self._round(live, reference, result)
            tried += 1
            self.on_round(result)
            precise = len(result.order) >= look and _precise(live, reference, self.limits.precision, result)
            look *= 1 + (len(result.order) >= look)
            ends = precise or (tried >= MIN_ROUNDS and spent_ns >= self.limits.max_seconds * 1e9)
            if ends or self.guard.due():
                if not self._sweep(clean, result) and sum(result.dropped.values()) < MOST_DROPPED:
                    ends, tried = False, len(result.order)
                clean = len(result.order)
            if ends:
                result.stopped = "precision" if precise else "seconds"
                return

    def _sweep(self, clean: int, result: Measurement) -> bool:
        """Whether nothing has changed since round `kept`; later rounds are dropped if something has."""
        changed = self.guard.sweep()
        if changed is not None:
            result.cut(clean, f"{changed} was changed")
        return changed is None

    def _round(self, live: list[Contestant], reference: str | None, result: Measurement) -> int:
        """One round; returns the nanoseconds spent in its windows."""
        gc.collect()
        samples: dict[str, Sample] = {}
        used = Counters(0, 0)
        for contestant in self.rng.sample(live, len(live)):
            if contestant.label in result.failures:
                continue
            try:
                sample, spent = self._sample(contestant, result.loops)
            except SpoiledError:
                raise
            except BaseException as error:  # the boundary of the worker
                for label in tied(contestant.label, reference):
                    result.remove(label, error)
                    samples.pop(label, None)
                live[:] = [c for c in live if c.label not in result.failures]
                continue
            samples[contestant.label] = sample
            used = Counters(*(u + more for u, more in zip(used, spent, strict=True)))
        throttled = self.device.throttled()
        if throttled:
            # Dropped for every contestant, so that the pairs stay pairs.
            reasons = "+".join(throttled)
            result.dropped[reasons] = result.dropped.get(reasons, 0) + 1
        else:
            result.add(samples, used)
        return sum(sample.wall_ns for sample in samples.values())


def _precise(live: Sequence[Contestant], against: str | None, precision: float, result: Measurement) -> bool:
    if against not in result.wall_ns:
        return False
    others = (c.label for c in live if c.label != against)
    return all(result.log_ratio(against, label).width <= precision for label in others)
