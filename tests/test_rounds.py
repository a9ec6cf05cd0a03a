"""The clock under a clock of our own: order, pairs, loops, stop rule, throttling, failures."""

import gc
import random
from dataclasses import dataclass, field

import pytest

from psubench.devices import Counters, Sample
from psubench.measure.rounds import FIRST_LOOK, MIN_ROUNDS, Contestant, Interleaver, Limits, inner_loops
from psubench.records.measured import AGAIN


@dataclass
class HandWound:
    """A device whose time passes only when a contestant says so."""

    min_sample_ns: int = 1
    now: int = 0
    throttle: set[int] = field(default_factory=set)
    rounds: int = -1
    log: list[tuple[str, int]] = field(default_factory=list)
    collecting: list[bool] = field(default_factory=list)

    def sample(self, label, call, loops, kept=0):
        before = self.now
        for _ in range(loops):
            call()
        self.log.append((label, loops))
        self.collecting.append(gc.isenabled())
        return Sample(self.now - before, None)

    def counters(self):
        return Counters(minor_faults=self.now, cpu_ns=2 * self.now)

    def state(self):
        return {"now": self.now}

    def throttled(self):
        self.rounds += 1
        return ["thermal"] if self.rounds in self.throttle else []

    def takes(self, label, ns):
        def call():
            self.now += ns() if callable(ns) else ns

        return Contestant(label, call)


def run(device, contestants, reference="ref", precision=0.02, max_seconds=1.0, on_round=lambda _: None):
    marks = []
    limits = Limits(precision, max_seconds)
    clock = Interleaver(device, limits, random.Random(3), marks.append, on_round)
    return clock.measure(contestants, reference), marks


def test_a_constant_ratio_is_found_exactly_at_the_first_look():
    device = HandWound()
    result, _ = run(device, [device.takes("ref", 2000), device.takes("psu", 1000)])
    assert result.stopped == "precision"
    assert len(result.order) == FIRST_LOOK
    assert result.wall_ns["psu"] == [1000 * result.loops] * FIRST_LOOK
    assert result.log_ratio("ref", "psu").ratios() == pytest.approx((2, 2, 2))
    assert result.log_ratio("ref", AGAIN).ratios() == pytest.approx((1, 1, 1))


def test_every_round_runs_everybody_once_and_the_reference_twice_in_changing_order():
    device = HandWound()
    result, marks = run(device, [device.takes(n, 1000) for n in ("ref", "a", "b")])
    assert result.labels == ["ref", "a", "b", AGAIN]
    assert all(sorted(order) == [0, 1, 2, 3] for order in result.order)
    assert len({tuple(order) for order in result.order}) > 5
    assert marks[-4:] == [result.labels[i] for i in result.order[-1]]


def test_slow_drift_does_not_bias_the_ratio():
    device = HandWound()
    slowdown = lambda ns: lambda: int(ns * (1 + device.now / 1e9))  # noqa: E731
    result, _ = run(device, [device.takes("ref", slowdown(10**6)), device.takes("psu", slowdown(10**6))])
    assert result.log_ratio("ref", "psu").value == pytest.approx(0, abs=0.01)


def test_noise_keeps_it_measuring_until_the_seconds_are_spent():
    device, rng = HandWound(), random.Random(0)
    noisy = lambda: int(1e6 * rng.lognormvariate(0, 0.5))  # noqa: E731
    result, _ = run(device, [device.takes("ref", noisy), device.takes("psu", noisy)], max_seconds=0.5)
    assert result.stopped == "seconds"
    assert sum(map(sum, result.wall_ns.values())) == pytest.approx(0.5e9, rel=0.05)


def test_slow_contestants_still_get_the_fewest_rounds_that_give_an_interval():
    device = HandWound()
    jitter = random.Random(1)
    slow = lambda: int(1e9 * jitter.uniform(1, 2))  # noqa: E731
    result, _ = run(device, [device.takes("ref", slow), device.takes("psu", slow)], max_seconds=0.1)
    assert len(result.order) == MIN_ROUNDS
    assert result.log_ratio("ref", "psu").low is not None


def test_the_inner_loop_lets_the_fastest_sample_last_long_enough():
    assert inner_loops([2_000, 300, 50_000], 1_000_000, 1e9) == 3334
    assert inner_loops([5_000_000], 1_000_000, 1e9) == 1
    device = HandWound(min_sample_ns=1_000_000)
    result, _ = run(device, [device.takes("ref", 100_000), device.takes("psu", 10_000)])
    assert result.loops == 100
    assert {loops for _, loops in device.log[-8:]} == {100}


def test_a_very_slow_contestant_bounds_the_inner_loop():
    assert inner_loops([1_000, 10_000_000], 1_000_000, 2.5e8) == 24
    assert inner_loops([1_000, 10**9], 1_000_000, 2.5e8) == 1


def test_a_throttled_round_is_dropped_for_everybody_and_counted():
    device = HandWound(throttle={0, 1, 4})
    result, _ = run(device, [device.takes("ref", 1000), device.takes("psu", 1000)])
    assert result.dropped == {"thermal": 2}
    assert {len(values) for values in result.wall_ns.values()} == {len(result.order)} == {FIRST_LOOK}


def test_a_device_that_is_always_throttled_ends_with_nothing():
    device = HandWound(throttle=set(range(10_000)))
    result, _ = run(device, [device.takes("ref", 10**8)], max_seconds=0.1)
    assert result.order == []
    assert result.dropped == {"thermal": MIN_ROUNDS}


def fails_after(device, label, calls):
    left = iter(range(calls))

    def call():
        device.now += 10_000_000
        if next(left, None) is None:
            raise RuntimeError("broke")

    return Contestant(label, call)


@pytest.mark.parametrize("calls", [0, 40])
def test_a_contestant_that_raises_costs_only_itself(calls):
    device = HandWound()
    contestants = [device.takes("ref", 10**7), fails_after(device, "bad", calls), device.takes("psu", 10**7)]
    result, _ = run(device, contestants, precision=-1, max_seconds=2)
    assert str(result.failures["bad"]) == "broke"
    assert sorted(result.wall_ns) == [AGAIN, "psu", "ref"]
    assert {len(values) for values in result.wall_ns.values()} == {len(result.order)}


def test_a_reference_that_raises_takes_its_second_sample_along():
    device = HandWound()
    result, _ = run(
        device, [fails_after(device, "ref", 40), device.takes("psu", 10**7)], precision=-1, max_seconds=2
    )
    assert "ref" in result.failures
    assert len(result.wall_ns["psu"]) == len(result.order)
    assert "ref" not in result.wall_ns


def test_nobody_left_ends_at_once():
    device = HandWound()
    result, _ = run(device, [fails_after(device, "ref", 0)])
    assert (result.order, result.labels) == ([], [])


def test_the_collector_is_off_while_rounds_run_and_on_afterwards():
    device = HandWound()
    run(device, [device.takes("ref", 1000)])
    assert not any(device.collecting[-FIRST_LOOK * 2 :])
    assert gc.isenabled()


def test_faults_and_processor_time_are_kept_per_round():
    device = HandWound()
    result, _ = run(device, [device.takes("ref", 1000)])
    assert result.faults == [2000 * result.loops] * FIRST_LOOK
    assert result.cpu_ns == [4000 * result.loops] * FIRST_LOOK
