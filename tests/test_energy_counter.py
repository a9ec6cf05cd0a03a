"""Energy counters that wrap, stand still, run backwards, fail and deny; what is summed and what is not."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.nvml import FakeNVMLError, fake_nvml
from support.powercap import RANGE, zones

from psubench.devices import energy_meters, rapl
from psubench.devices.energy_counter import Counter, Reading, Resolution
from psubench.errors import PsubenchError


def counter(*readings, wraps_at=RANGE):
    """A counter that gives these one after the other; a text is a reason."""
    queue = [Reading(None, r) if isinstance(r, str) else Reading(r, None) for r in readings]
    return Counter("rapl", "package-0", 1e-6, wraps_at, lambda: queue.pop(0))


def spent(before, after, wraps_at=RANGE):
    one = counter(before, after, wraps_at=wraps_at)
    return one.spent(one.read(), one.read())


def test_a_count_is_a_difference():
    assert spent(1_000, 5_000_700) == (4_999_700, None)


def test_a_wrap_costs_nothing():
    assert spent(RANGE - 40, 60) == (100, None)


@given(st.integers(0, RANGE - 1), st.integers(1, RANGE // 2))
def test_every_wrap_is_resolved(before, used):
    assert spent(before, (before + used) % RANGE) == (used, None)


@pytest.mark.parametrize(
    ("before", "after", "wraps_at", "reason"),
    [
        (700, 700, RANGE, "package-0 is stuck at 700"),
        (0, 0, RANGE, "package-0 is stuck at 0"),
        (700, 600, None, "package-0 ran backwards from 700 to 600"),
        (700, 600, RANGE, "package-0 ran backwards from 700 to 600"),  # a wrap would be 262 kJ
    ],
)
def test_what_cannot_be_known_has_a_reason(before, after, wraps_at, reason):
    assert spent(before, after, wraps_at) == (None, reason)


def test_one_failed_read_is_tried_again_and_two_are_believed():
    assert counter("EIO", 5).read() == (5, None)
    failed = counter("EIO", "EIO again", 5)
    assert failed.read() == (None, "EIO again")
    assert failed.spent(Reading(None, "EIO"), Reading(5, None)) == (None, "package-0: EIO")
    assert failed.spent(Reading(5, None), Reading(None, "EIO")) == (None, "package-0: EIO")


def test_the_resolution_is_the_smallest_whole_step():
    now = iter(range(100))  # every look at the clock is a second later
    one = counter(*[10, 10, 17, 17, 17, 37, 37, 57, 97, 97])
    found = one.resolution(clock=lambda: next(now), patience_s=90)
    # Changes of 7 (from an unknown time on), 20, 20 and 40 counts; at 3, 7, 10 and 12 s.
    assert found == (Resolution(pytest.approx(20e-6), 3), None)


@pytest.mark.parametrize(
    ("readings", "reason"),
    [([5] * 50, "package-0 did not count for 9 s"), ([5, "gone", "gone"], "package-0: gone")],
)
def test_a_stuck_counter_has_no_resolution(readings, reason):
    now = iter(range(100))
    assert counter(*readings).resolution(clock=lambda: next(now), patience_s=9) == (None, reason)


def names(found):
    counters, absent = found
    return [c.name for c in counters], [a.reason.rpartition("/")[2] for a in absent]


def test_packages_and_memory_are_summed_and_nothing_twice(tmp_path):
    root = zones(
        tmp_path,
        n_0=("package-0", 1), n_0_0=("core", 2), n_0_1=("uncore", 3), n_0_2=("dram", 4),
        n_1=("package-1", 5), n_1_0=("dram", 6), n_2=("psys", 7), mmio_0=("package-0", 8),
    )  # fmt: skip
    (root / "sys/class/powercap/intel-rapl").mkdir()  # the control type itself
    counters, absent = rapl.find(root)
    assert {c.name: c.read().value for c in counters} == {
        "package-0": 1, "package-0/dram": 4, "package-1": 5, "package-1/dram": 6,
    }  # fmt: skip
    assert absent == []
    assert {(c.unit_j, c.wraps_at) for c in counters} == {(1e-6, RANGE)}


def test_amd_is_found_under_intels_name(tmp_path):
    root = zones(tmp_path, n_0=("package-0", 1), n_0_0=("core", 2), n_1=("package-1-die-0", 3))
    assert names(rapl.find(root)) == (["package-0", "package-1-die-0"], [])


def test_the_memory_mapped_twin_serves_where_it_is_alone(tmp_path):
    assert names(rapl.find(zones(tmp_path, mmio_0=("package-0", 8)))) == (["package-0"], [])


def test_no_powercap_no_zone_and_a_container(tmp_path):
    absent = rapl.find(tmp_path)[1]
    assert "virtual machine" in absent[0].reason
    (tmp_path / "sys/class/powercap").mkdir(parents=True)
    absent = rapl.find(tmp_path)[1]
    assert absent[0].reason.endswith("powercap has no RAPL zone")
    assert "modprobe intel_rapl_msr" in absent[0].remedy
    (tmp_path / "sys/class/powercap/intel-rapl:0").mkdir()
    absent = rapl.find(tmp_path)[1]
    assert "container hides them" in absent[0].reason
    assert "PSUBENCH_HOST_ROOT=/host" in absent[0].remedy


def test_a_counter_without_a_number_is_absent(tmp_path):
    root = zones(tmp_path, n_0=("package-0", "unknown"), n_0_0=("dram", ""), n_1=("package-1", 3))
    assert names(rapl.find(root)) == (
        ["package-1"],
        ['energy_uj holds "unknown", which is not a number', 'energy_uj holds "", which is not a number'],
    )


def test_a_range_that_is_not_there_means_that_no_wrap_can_be_resolved(tmp_path):
    root = zones(tmp_path, n_0=("package-0", 900))
    (root / "sys/class/powercap/intel-rapl:0/max_energy_range_uj").unlink()
    (one,), _ = rapl.find(root)
    assert one.spent(Reading(900, None), Reading(5, None)).value is None


@pytest.fixture
def open_folder():
    """A folder that every user may enter; pytest's own is this user's alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_denied_counter_says_how_to_allow_it(open_folder):
    root = zones(open_folder, n_0=("package-0", 1), n_1=("package-1", 2))
    for file in root.rglob("energy_uj"):
        file.chmod(0o400)
    user = os.geteuid()
    if user != 0:
        pytest.skip("only root can become a user to whom the file is denied")
    os.seteuid(65534)
    try:
        counters, absent = rapl.find(root)
    finally:
        os.seteuid(user)
    assert counters == []
    assert [a.reason.rpartition(": ")[2] for a in absent] == ["Permission denied"] * 2
    assert absent[0].remedy.endswith("sudo chmod a+r /sys/class/powercap/*/energy_uj")


def test_a_gpu_counts_millijoules(monkeypatch):
    fake_nvml(monkeypatch, nvmlDeviceGetTotalEnergyConsumption=[5_000, 5_000, 8_500])
    nvml = energy_meters.Nvml()
    (one,), absent = energy_meters.board(nvml, nvml.gpus()[0])
    assert (one.name, one.unit_j, absent) == ("GPU-00-abc", 1e-3, [])
    assert one.spent(one.read(), one.read()) == (3_500, None)


@pytest.mark.parametrize(
    ("after", "reason"), [(5_000, "is stuck at 5000"), (20, "ran backwards from 5000 to 20")]
)
def test_a_gpu_whose_counter_stands_still_or_starts_anew(monkeypatch, after, reason):
    fake_nvml(monkeypatch, nvmlDeviceGetTotalEnergyConsumption=[5_000, 5_000, after])
    nvml = energy_meters.Nvml()
    (one,), _ = energy_meters.board(nvml, nvml.gpus()[0])
    assert one.spent(one.read(), one.read()) == (None, f"GPU-00-abc {reason}")


@pytest.mark.parametrize("refusal", ["Not Supported", "Insufficient Permissions"])
def test_a_gpu_that_refuses_is_absent(monkeypatch, refusal):
    fake_nvml(monkeypatch, nvmlDeviceGetTotalEnergyConsumption=FakeNVMLError(refusal))
    nvml = energy_meters.Nvml()
    counters, absent = energy_meters.board(nvml, nvml.gpus()[1])
    assert counters == []
    assert absent[0].reason == f"GPU-11-abc: nvmlDeviceGetTotalEnergyConsumption: {refusal}"


def test_a_gpu_that_is_lost_for_one_read_and_for_two(monkeypatch):
    lost = FakeNVMLError("GPU is lost")
    fake_nvml(monkeypatch, nvmlDeviceGetTotalEnergyConsumption=[5_000, lost, 6_000, lost, lost])
    nvml = energy_meters.Nvml()
    (one,), _ = energy_meters.board(nvml, nvml.gpus()[0])
    before = one.read()
    assert before == (6_000, None)
    after = one.read()
    assert one.spent(before, after).reason == ("GPU-00-abc: nvmlDeviceGetTotalEnergyConsumption: GPU is lost")


def test_no_driver_no_gpu_and_the_fake_clock():
    nvml = energy_meters.Nvml()
    if nvml.reason is None:
        pytest.skip("this machine has an NVIDIA driver")
    assert energy_meters.board(nvml, None).absent[0].reason == nvml.reason
    assert energy_meters.meters("cuda:0").absent[0].reason == nvml.reason
    with pytest.raises(PsubenchError, match="scripted has no energy counter: the fake clock"):
        energy_meters.require("scripted")
