"""Records to rows: known samples give known numbers; nothing unknown becomes 0."""

import math

import pytest
from support.records_of import typed

from psubench.experiments.speed import rows as speed_rows
from psubench.records import paired
from psubench.records.measured import AGAIN

CASE = {"kind": "speed", "T": 4, "neuron": "x", "implementation": "loop"}


def rows(records):
    return speed_rows.rows(typed(records))


def run(*keys, reference="ref"):
    cases = [
        {"key": key, "label": key, "reference": reference, "case": {**CASE, "neuron": key}} for key in keys
    ]
    return {"type": "run", "run_id": "r1", "cases": cases}


def outcome(key, status="ok", message=None, verified=True):
    activity = {"spikes": 30, "neuron_steps": 120, "spike_hash": "ab"} if status == "ok" else None
    return {
        "key": key,
        "neuron": key,
        "status": status,
        "message": message,
        "verified": verified,
        "activity": activity,
    }


def block(process, samples, *outcomes, loops=2, reference="ref"):
    rounds = len(next(iter(samples.values()), []))
    return {
        "type": "block", "process": process, "reference": reference, "loops": loops, "rounds": rounds,
        "wall_ns": samples, "device_ns": None, "note": None, "cases": list(outcomes),
    }  # fmt: skip


def test_known_samples_give_known_numbers():
    samples = {"ref": [4000] * 8, AGAIN: [4000] * 8, "psu": [2000] * 8}
    ref, psu = rows([run("ref", "psu"), block(0, samples, outcome("ref"), outcome("psu"))])
    assert psu.median_s == pytest.approx(1e-6)  # two calls in 2,000 ns
    assert (psu.ratio, psu.ratio_low, psu.ratio_high) == pytest.approx((2, 2, 2))
    assert (ref.ratio, ref.noise_floor) == pytest.approx((1, 0))
    assert (psu.rounds, psu.processes, psu.firing_rate) == (8, 1, 0.25)
    assert ref.is_reference
    assert psu.verified


def test_the_ratio_is_the_median_of_pairs_not_a_ratio_of_medians():
    samples = {"ref": [1, 10, 100, 10, 1, 10], AGAIN: [1] * 6, "psu": [2, 20, 200, 20, 2, 20]}
    _, psu = rows([run("ref", "psu"), block(0, samples, outcome("ref"), outcome("psu"))])
    assert psu.ratio == pytest.approx(0.5)
    assert psu.ratio_low == pytest.approx(0.5)


def test_processes_are_the_sampling_unit():
    blocks = [
        block(p, {"ref": [t] * 20, AGAIN: [t] * 20, "psu": [1000] * 20}, outcome("ref"), outcome("psu"))
        for p, t in enumerate((900, 1000, 1100))
    ]
    _, psu = rows([run("ref", "psu"), *blocks])
    assert psu.processes == 3
    assert psu.rounds == 60
    # Student's t with 2 degrees of freedom: 4.303 standard errors, however many the rounds.
    spread = [math.log(v) for v in (0.9, 1, 1.1)]
    mean = sum(spread) / 3
    error = math.sqrt(sum((s - mean) ** 2 for s in spread) / 2 / 3)
    assert psu.ratio_high == pytest.approx(math.exp(mean + 4.3027 * error), rel=1e-4)


def test_the_devices_own_clock_is_preferred():
    made = block(0, {"ref": [9] * 6, AGAIN: [9] * 6, "psu": [9] * 6}, outcome("ref"), outcome("psu"))
    made["device_ns"] = {"ref": [6] * 6, AGAIN: [6] * 6, "psu": [2] * 6}
    assert rows([run("ref", "psu"), made])[1].ratio == pytest.approx(3)


def test_failures_are_rows_without_numbers():
    samples = {"ref": [10] * 6, AGAIN: [10] * 6}
    made = block(0, samples, outcome("ref"), outcome("bad", "wrong", "other spikes", verified=False))
    _, bad, never = rows([run("ref", "bad", "never"), made])
    assert (bad.status, bad.message, bad.verified) == ("wrong", "other spikes", False)
    assert (never.status, never.verified) == ("interrupted", None)
    for row in (bad, never):
        for name in (
            "median_s",
            "p05_s",
            "p95_s",
            "ratio",
            "ratio_low",
            "ratio_high",
            "noise_floor",
            "firing_rate",
        ):
            assert getattr(row, name) is None


def test_a_case_that_failed_in_one_process_is_not_ok():
    samples = {"ref": [10] * 6, AGAIN: [10] * 6, "psu": [10] * 6}
    good = block(0, samples, outcome("ref"), outcome("psu"))
    bad = block(1, {"ref": [10] * 6, AGAIN: [10] * 6}, outcome("ref"), outcome("psu", "oom", "no memory"))
    _, psu = rows([run("ref", "psu"), good, bad])
    assert (psu.status, psu.message) == ("oom", "in 1 of 2 processes: no memory")
    assert psu.median_s is None


def test_without_its_reference_a_case_has_a_time_and_no_ratio():
    made = block(0, {"psu": [10] * 6}, outcome("ref", "failed", "boom"), outcome("psu"), reference=None)
    _, psu = rows([run("ref", "psu"), made])
    assert psu.median_s == pytest.approx(5e-9)
    assert psu.ratio is None
    assert psu.noise_floor is None


def test_a_case_made_up_for_on_resume_is_paired_with_the_reference_beside_it():
    first = block(0, {"ref": [10] * 6, AGAIN: [10] * 6}, outcome("ref"), outcome("psu", "timeout", "slow"))
    again = block(0, {"ref": [30] * 6, AGAIN: [30] * 6, "psu": [10] * 6}, outcome("ref"), outcome("psu"))
    ref, psu = rows([run("ref", "psu"), first, {**run("ref", "psu"), "run_id": "r2"}, again])
    assert ref.median_s == pytest.approx(5e-9)
    assert psu.ratio == pytest.approx(3)
    assert (ref.run_id, psu.run_id) == ("r1", "r2")
    assert paired.finished(typed([first, again])) == {("ref", 0), ("psu", 0)}


def test_a_resumed_run_does_not_repeat_its_rows():
    assert len(rows([run("ref", "psu"), run("ref", "psu", "rpsu")])) == 3
