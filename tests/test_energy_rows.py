"""Energy records to rows: by hand, from literal records."""

import json

import pytest
from msgspec.structs import asdict
from support.energy_records import FIRST, LOST, SECOND, energy_record, header, window
from support.records_of import typed

from psubench.experiments.energy import rows as energy_rows
from psubench.records import paired
from psubench.records.measured import IDLE


def rows(*records):
    return {row.label: row for row in energy_rows.rows(typed([header(), *records]))}


def test_gross_and_net_per_call_sample_and_step():
    row = rows(energy_record(0, *FIRST))["psu"]
    assert (row.gross_j_per_call, row.gross_j_per_sample, row.gross_j_per_step) == (2.0, 0.25, 0.5)
    assert (row.net_j_per_call, row.net_j_per_sample, row.net_j_per_step) == pytest.approx((0.8, 0.1, 0.2))
    assert (row.power_w, row.idle_w, row.median_s) == (20.0, 12.0, 0.1)
    assert (row.windows, row.window_s, row.processes) == (1, 5.0, 1)
    assert row.counters == "rapl:package-0 + rapl:package-0/dram"
    assert row.resolution == pytest.approx(0.03 / 100)
    assert (row.status, row.message, row.ratio, row.ratio_low) == ("ok", None, 0.5, None)


def test_a_ratio_pairs_the_rounds_and_its_interval_is_between_processes():
    got = rows(energy_record(0, *FIRST, *SECOND), energy_record(1, *FIRST, *SECOND))
    psu, lif = got["psu"], got["lif"]
    assert psu.ratio == psu.ratio_low == psu.ratio_high == pytest.approx(0.5)  # in every round
    assert psu.gross_j_per_call == 2.05
    assert (psu.windows, psu.processes) == (4, 2)
    # lif against itself: 1 in the first round, 1.05 in the second; equal in both processes.
    assert lif.noise_floor == pytest.approx(1.05**0.5 - 1)


def test_an_unread_window_is_left_out_told_and_breaks_its_round():
    got = rows(energy_record(0, *FIRST, *(w for w in SECOND if w["label"] != "lif"), LOST))
    lif, psu = got["lif"], got["psu"]
    assert (lif.gross_j_per_call, lif.windows, lif.status) == (1.0, 1, "ok")
    assert lif.message == "1 of 2 windows could not be read: package-0/dram is stuck at 7"
    assert (psu.windows, psu.message) == (2, None)
    assert psu.ratio == pytest.approx(0.5)
    (lost,) = typed([energy_record(0, *FIRST, LOST)])
    assert paired.energy_j(lost.counters, lost.windows[-1]) is None  # never the package alone


def test_without_an_idle_window_net_is_unknown_and_gross_is_not():
    busy = [w for w in FIRST if w["label"] != IDLE]
    row = rows(energy_record(0, *busy))["psu"]
    assert (row.net_j_per_call, row.idle_w, row.gross_j_per_call) == (None, None, 2.0)


def test_one_idle_window_of_two_is_enough():
    row = rows(energy_record(0, *FIRST[:-1]))["psu"]
    assert (row.idle_w, row.net_j_per_call) == (10.0, 1.0)


def test_net_energy_below_that_of_an_idle_machine_stays_negative():
    windows = (window(None, IDLE, 0, 5, 40, 10), window(0, "psu", 50, 5, 35, 10))
    lif = window(0, "lif", 50, 5, 40, 10)
    assert rows(energy_record(0, *windows, lif))["psu"].net_j_per_call == pytest.approx(-0.1)


def test_a_failed_case_has_no_joules():
    row = rows(energy_record(0, *FIRST, status="failed"))["psu"]
    numbers = [value for name, value in asdict(row).items() if "_j_per_" in name or name.endswith("_w")]
    assert numbers == [None] * 8
    assert (row.status, row.windows, row.counters, row.ratio) == ("failed", None, None, None)


def test_a_worker_that_died_left_no_windows():
    lost = energy_record(0, status="oom")
    assert paired.block_ratios(*typed([lost])) == {}
    assert rows(lost)["lif"].status == "oom"


def test_what_is_done_is_not_measured_again():
    assert paired.finished(typed([header(), energy_record(1, *FIRST)])) == {("lif", 1), ("psu", 1)}


def test_a_record_survives_json():
    record = energy_record(0, *FIRST)
    assert rows(json.loads(json.dumps(record))) == rows(record)
