"""Energy windows in a world of our own: time and joules pass only when something in it runs."""

import itertools
import random
import weakref
from dataclasses import dataclass, field

import pytest

from psubench.devices import Sample
from psubench.devices.energy_counter import Counter, Reading
from psubench.experiments.energy.rows import Measures
from psubench.measure.rounds import Contestant
from psubench.measure.windows import Metering, Windowing
from psubench.records.measured import AGAIN, IDLE
from psubench.records.paired import per_call

IDLE_W = 10.0
MS = 1_000_000


@dataclass
class World:
    """A device and its counter: 10 W idle, more while a contestant runs."""

    now: int = 0
    joules: float = 0.0
    frozen: bool = False
    broken: list[str] = field(default_factory=list)
    synchronised: int = 0

    def pass_time(self, ns, watt):
        self.now += ns
        if not self.frozen:
            self.joules += watt * ns / 1e9

    def sample(self, label, call, loops, kept=0):
        before = self.now
        for _ in range(loops):
            call()
        self.synchronised += 1
        return Sample(self.now - before, None)

    def state(self):
        return {"now": self.now}

    def sleep(self, seconds):
        self.pass_time(round(seconds * 1e9), IDLE_W)

    def read(self):
        self.pass_time(1000, IDLE_W)  # a look costs a microsecond
        if self.broken:
            return Reading(None, self.broken.pop())
        return Reading(round(self.joules * 1e6) % 100_000_000, None)

    def contestant(self, label, ms, watt):
        return Contestant(label, lambda: self.pass_time(round(ms * MS), watt))


def meter(world, contestants, reference="lif", count=2, seconds=1.0, on_round=lambda _: None):
    counter = Counter("rapl", "package-0", 1e-6, 100_000_000, world.read)
    metering = Metering(
        world, [counter], Windowing(count, seconds), random.Random(5), lambda label: None, on_round,
        clock=lambda: world.now, sleep=world.sleep,
    )  # fmt: skip
    return metering.measure(contestants, reference)


def test_joules_per_call_are_found_over_wraps():
    world = World()
    result = meter(world, [world.contestant("lif", 4, 35.0), world.contestant("psu", 2, 25.0)], count=4)
    measure = Measures().of(result)
    # 4 ms at 35 W and 2 ms at 25 W, of which 10 W are the idle machine's. Every 100 J the counter wraps.
    for label, gross, net, seconds in (("lif", 0.140, 0.100, 0.004), ("psu", 0.050, 0.030, 0.002)):
        found = measure.uses(label)
        assert len(found) == 4
        for use in found:
            assert use == pytest.approx((gross, net, seconds, IDLE_W), rel=1e-4)
    assert world.joules > 200
    samples = per_call(result.counters, result.windows)
    assert set(samples) == {"lif", AGAIN, "psu"}
    assert [a / b for a, b in zip(samples["lif"], samples["psu"], strict=True)] == pytest.approx(
        [2.8] * 4, rel=1e-4
    )


def test_every_window_is_long_enough_and_every_round_lies_between_idle_ones():
    world, rounds = World(), []
    contestants = [world.contestant("lif", 3, 30.0), world.contestant("psu", 700, 30.0)]
    result = meter(world, contestants, count=3, on_round=lambda so_far: rounds.append(len(so_far.windows)))
    labels = [window.label for window in result.windows]
    assert labels[::4] == [IDLE] * 4
    assert [sorted(labels[i : i + 3]) for i in (1, 5, 9)] == [[AGAIN, "lif", "psu"]] * 3
    assert len({tuple(labels[i : i + 3]) for i in (1, 5, 9)}) > 1
    assert [window.round for window in result.windows] == [None, *[n for n in range(3) for _ in range(4)]]
    assert rounds == [5, 9, 13]
    for window in result.windows:
        assert window.wall_ns >= 1e9
        slowest = {"psu": 0.7}.get(window.label, 0.04)
        assert window.wall_ns <= (1 + slowest) * 1e9
        if window.calls:
            each = {"psu": 700 * MS}.get(window.label, 3 * MS)
            assert window.wall_ns == pytest.approx(window.calls * each, abs=2000)


def test_the_plan_says_how_long_it_takes():
    world = World()
    meter(world, [world.contestant(name, 1, 20.0) for name in ("lif", "psu", "psn")], count=3, seconds=2.0)
    planned = Windowing(3, 2.0).total_seconds(3)
    assert planned == pytest.approx((3 * (4 * 1.1 + 1) + 1) * 2)
    assert world.now / 1e9 == pytest.approx(planned, rel=0.05)


def test_a_stuck_counter_gives_no_number_and_a_reason():
    world = World(frozen=True)
    result = meter(world, [world.contestant("lif", 4, 35.0)])
    assert {tuple(window.counts) for window in result.windows} == {(None,)}
    assert Measures().of(result).uses("lif") == []
    assert str(result.problem("lif")).startswith("no window could be read: package-0 is stuck at 0; ")
    assert result.counters[0].step_j is None


def test_a_window_that_could_not_be_read_costs_that_window_only():
    world = World()

    def on_round(so_far):
        if len(so_far.windows) == 4:  # lif, again and an idle window after the first
            world.broken = ["EIO", "EIO"]

    result = meter(world, [world.contestant("lif", 4, 35.0)], count=3, on_round=on_round)
    measure = Measures().of(result)
    assert [w.reason for w in result.windows if w.reason] == ["package-0: EIO"]
    assert len(measure.uses("lif")) + len(measure.uses(AGAIN)) == 5
    assert all(use.gross_j == pytest.approx(0.14, rel=1e-4) for use in measure.uses("lif"))
    assert {len(samples) for samples in per_call(result.counters, result.windows).values()} == {2}
    assert result.problem("lif") is None


@pytest.mark.parametrize("after", [0, 400])
def test_who_raises_is_taken_out_and_the_others_go_on(after):
    world, calls = World(), itertools.count()

    def fails():
        if next(calls) >= after:
            raise RuntimeError("broken")
        world.pass_time(4 * MS, 30.0)

    result = meter(world, [world.contestant("lif", 4, 35.0), Contestant("bad", fails)], count=3)
    assert str(result.problem("bad")) == "broken"
    assert "bad" not in {window.label for window in result.windows}
    assert len(Measures().of(result).uses("lif")) == 3
    assert {len(samples) for samples in per_call(result.counters, result.windows).values()} == {3}


def test_nobody_waits_for_windows_of_those_who_all_failed():
    world, calls = World(), itertools.count()

    def fails():
        if next(calls) >= 400:
            raise RuntimeError("broken")
        world.pass_time(4 * MS, 30.0)

    result = meter(world, [Contestant("lif", fails)], count=50)
    assert [window.label for window in result.windows].count(IDLE) <= 2
    assert world.now < 10e9


class Cycle:
    def __init__(self):
        self.itself = self


def test_the_garbage_of_thousands_of_calls_is_collected():
    world, alive, most = World(), weakref.WeakSet(), 0

    def litters():
        nonlocal most
        alive.update(Cycle() for _ in range(10))
        most = max(most, len(alive))
        world.pass_time(MS, 30.0)

    result = meter(world, [Contestant("lif", litters)], count=2)
    calls = sum(window.calls for window in result.windows)
    assert calls > 3000
    assert most < calls


def test_a_reference_that_fails_takes_its_second_sample_along():
    world, calls = World(), itertools.count()

    def fails():
        if next(calls) >= 400:
            raise RuntimeError("broken")
        world.pass_time(4 * MS, 30.0)

    result = meter(world, [Contestant("lif", fails), world.contestant("psu", 4, 35.0)], count=3)
    assert {window.label for window in result.windows} == {IDLE, "psu"}
    assert set(result.failures) == {"lif", AGAIN}
