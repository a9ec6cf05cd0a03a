"""Causes of noise, each once present, once absent and once not told, over a stand-in for /proc and /sys."""

import os

import pytest
from support.nvml import FakeNVMLError, fake_nvml
from support.powercap import tree

from psubench.devices import noise_sources
from psubench.devices.noise_sources import Snapshot
from psubench.devices.nvml import Nvml

CPUS = "sys/devices/system/cpu"
# at, busy, stolen, total, own, throttled, load
BEFORE = Snapshot(100.0, 1000.0, 10.0, 5000.0, 50.0, 3, 0.4)


def states(findings):
    return {finding.what: finding.state for finding in findings}


def after(**changes):
    quiet = {"at": 110.0, "busy_s": 1011.0, "total_s": 5020.0, "own_s": 60.0}
    return BEFORE._replace(**quiet | changes)


def test_a_quiet_interval():
    findings = noise_sources.between(BEFORE, after())
    assert states(findings) == {"other programs": "ok", "steal time": "ok", "heat": "ok"}
    # Busy for 11 s, 10 of them with this process: 1 s in 10 s.
    assert findings[0].found == "they used 0.10 cores meanwhile; load average 0.4 before"
    assert all(finding.remedy is None for finding in findings)


@pytest.mark.parametrize(
    ("changes", "what", "found"),
    [
        ({"busy_s": 1020.0}, "other programs", "they used 1.00 cores meanwhile; load average 0.4 before"),
        ({"stolen_s": 10.5}, "steal time", "the hypervisor took 2.50 % of the time"),
        ({"throttled": 5}, "heat", "cores were slowed down 2 times"),
    ],
)
def test_what_happened_meanwhile_is_found(changes, what, found):
    (finding,) = [one for one in noise_sources.between(BEFORE, after(**changes)) if one.state == "found"]
    assert (finding.what, finding.found) == (what, found)
    assert finding.remedy


def test_what_the_system_does_not_tell_is_unknown_not_absent(tmp_path):
    silent = noise_sources.snapshot(tmp_path)
    assert silent[1:4] == (None, None, None)
    assert set(states(noise_sources.between(silent, silent)).values()) == {"unknown"}
    found = states(noise_sources.settings(1, tmp_path))
    assert {what for what, state in found.items() if state == "unknown"} == {
        "governor", "boost", "SMT", "virtual machine",
    }  # fmt: skip


def test_the_counts_are_read(tmp_path):
    second = os.sysconf("SC_CLK_TCK")
    ticks = " ".join(str(n * second) for n in (40, 2, 8, 500, 20, 1, 3, 6, 9, 9))
    root = tree(
        tmp_path,
        {
            "proc/stat": f"cpu  {ticks}\ncpu0 1 1 1 1 1 1 1 1 1 1\n",
            f"{CPUS}/cpu0/thermal_throttle/core_throttle_count": "2\n",
            f"{CPUS}/cpu1/thermal_throttle/core_throttle_count": "5\n",
        },
    )
    taken = noise_sources.snapshot(root)
    # user, nice, system, irq, softirq; guest time stands in user already
    assert taken[1:4] == (54, 6, 580)
    assert taken.throttled == 7


def test_our_own_work_is_not_that_of_others():
    before = noise_sources.snapshot()
    if before.busy_s is None:
        pytest.skip("no /proc/stat")
    while noise_sources.snapshot().own_s - before.own_s < 0.3:
        pass
    taken = noise_sources.snapshot()
    assert taken.busy_s >= before.busy_s
    assert taken.own_s - before.own_s >= 0.3
    assert taken.total_s > before.total_s


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)


QUIET = {
    f"{CPUS}/cpu0/cpufreq/scaling_governor": "performance",
    f"{CPUS}/cpu0/topology/thread_siblings_list": "0",
    f"{CPUS}/cpu1/topology/thread_siblings_list": "1",
    f"{CPUS}/cpufreq/boost": "0",
    f"{CPUS}/smt/active": "0",
    "proc/cpuinfo": "flags : sse\n",
    "proc/self/cgroup": "0::/a/b\n",
    "sys/fs/cgroup/a/cpu.max": "max 100000\n",
}


def test_a_machine_set_up_for_measuring(tmp_path, two_cores):
    assert set(states(noise_sources.settings(1, tree(tmp_path, QUIET))).values()) == {"ok"}


@pytest.mark.parametrize(
    ("files", "what", "found", "remedy"),
    [
        ({f"{CPUS}/cpu0/cpufreq/scaling_governor": "powersave"}, "governor", "powersave", "cpupower"),
        ({f"{CPUS}/cpufreq/boost": "1"}, "boost", "on: the clock", "echo 0 | sudo tee"),
        ({f"{CPUS}/intel_pstate/no_turbo": "0"}, "boost", "on: the clock", "echo 1 | sudo tee"),
        ({f"{CPUS}/smt/active": "1"}, "SMT", "on: 2 threads on 2 cores", "echo off"),
        ({"proc/cpuinfo": "flags : hypervisor\n"}, "virtual machine", "yes", "quote ratios"),
        ({"sys/fs/cgroup/a/cpu.max": "100000 100000"}, "cgroup quota", "1 cores", "raise it"),
        ({"sys/fs/cgroup/cpu.max": "50000 100000"}, "cgroup quota", "0.5 cores", "raise it"),
        ({f"{CPUS}/cpu1/topology/thread_siblings_list": "0"}, "threads", "1 of a worker", "leave a core"),
    ],
)  # fmt: skip
def test_each_setting_that_disturbs_is_found_alone(tmp_path, two_cores, files, what, found, remedy):
    quiet = {
        path: text for path, text in QUIET.items() if "no_turbo" not in str(files) or "boost" not in path
    }
    findings = noise_sources.settings(1, tree(tmp_path, quiet | files))
    (finding,) = [one for one in findings if one.state == "found"]
    assert finding.what == what
    assert finding.found.startswith(found)
    assert remedy in finding.remedy


def test_more_threads_than_cores(tmp_path, two_cores):
    findings = noise_sources.settings(3, tree(tmp_path, QUIET))
    assert findings[0].remedy == "use at most --threads 2"


def test_a_gpu_of_our_own(monkeypatch):
    fake_nvml(monkeypatch)
    assert states(noise_sources.gpu(Nvml().gpus()[0], {7})) == {
        "programs on Model 0": "ok", "clocks of Model 0": "ok",
    }  # fmt: skip


class Process:
    def __init__(self, pid):
        self.pid = pid


def test_foreign_programs_and_lowered_clocks(monkeypatch):
    fake_nvml(
        monkeypatch,
        nvmlDeviceGetComputeRunningProcesses=lambda handle: [Process(7), Process(8), Process(9)],
        nvmlDeviceGetCurrentClocksEventReasons=0x44,
    )
    programs, clocks = noise_sources.gpu(Nvml().gpus()[0], {7})
    assert (programs.state, programs.found) == ("found", "processes 8, 9")
    assert (clocks.state, clocks.found) == ("found", "lowered: power cap, thermal (hardware)")


def test_a_gpu_that_does_not_tell(monkeypatch):
    fake_nvml(monkeypatch, nvmlDeviceGetComputeRunningProcesses=FakeNVMLError("Insufficient Permissions"))
    programs, _ = noise_sources.gpu(Nvml().gpus()[0], ())
    assert (programs.state, programs.found) == (
        "unknown", "nvmlDeviceGetComputeRunningProcesses: Insufficient Permissions",
    )  # fmt: skip
