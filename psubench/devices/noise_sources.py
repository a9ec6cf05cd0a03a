"""What makes equal runs differ on this machine, and what to do about it. Needs no torch."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from psubench.devices import host
from psubench.devices.nvml import Gpu

OTHERS = 0.2  # cores that other programs use; less is a system's own housekeeping
STOLEN = 0.001  # of the machine's time


class Finding(NamedTuple):
    """One possible cause of noise.

    Attributes:
        state: `ok`, `found`, or `unknown` if the system does not report it.
        found: what was seen.
        remedy: what to do about it; None if nothing needs doing.
    """

    what: str
    state: str
    found: str
    remedy: str | None = None


class Snapshot(NamedTuple):
    """Counts that grow for as long as the machine runs.

    Attributes:
        at: seconds, monotonic.
        busy_s, stolen_s, total_s: processor time of all cores: spent on programs, taken by the
            hypervisor for other machines, and all of it. None if the system does not report them.
        own_s: processor time of this process and the children that it has waited for.
        throttled: times that a core was slowed down by heat.
        load: processes that ran or waited, averaged over the last minute.
    """

    at: float
    busy_s: float | None
    stolen_s: float | None
    total_s: float | None
    own_s: float
    throttled: int | None
    load: float | None


def snapshot(root: Path = host.ROOT) -> Snapshot:
    """The counts now.

    Args:
        root: folder that contains `proc` and `sys`.
    """
    busy, stolen, total = _processor_times(root)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own = sum(each.ru_utime + each.ru_stime for each in used)
    return Snapshot(time.monotonic(), busy, stolen, total, own, _throttled(root), host.load_average())


def _processor_times(root: Path) -> tuple[float | None, float | None, float | None]:
    """Busy, stolen and total seconds of the first line of /proc/stat."""
    line = (_read(root / "proc/stat") or "").partition("\n")[0].split()
    if len(line) < 9 or line[0] != "cpu":
        return None, None, None
    # user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user already
    second = os.sysconf("SC_CLK_TCK")
    user, nice, system, idle, wait, irq, softirq, steal = (int(ticks) / second for ticks in line[1:9])
    busy = user + nice + system + irq + softirq
    return busy, steal, busy + idle + wait + steal


def _throttled(root: Path) -> int | None:
    files = (root / host.CPUS).glob("cpu*/thermal_throttle/core_throttle_count")
    counts = [int(text) for text in map(_read, files) if text and text.isdecimal()]
    return sum(counts) if counts else None


def between(before: Snapshot, after: Snapshot) -> list[Finding]:
    """What happened from one snapshot to the next: other programs, the hypervisor, heat."""
    return [_others(before, after), _steal(before, after), _heat(before, after)]


def _others(before: Snapshot, after: Snapshot) -> Finding:
    what = "other programs"
    if before.busy_s is None or after.busy_s is None:
        return Finding(what, "unknown", "no /proc/stat")
    busy = after.busy_s - before.busy_s - (after.own_s - before.own_s)
    cores = max(0.0, busy / (after.at - before.at))
    load = "" if before.load is None else f"; load average {before.load:.1f} before"
    found = f"they used {cores:.2f} cores meanwhile{load}"
    if cores <= OTHERS:
        return Finding(what, "ok", found)
    return Finding(what, "found", found, "stop them (top shows which), or measure after they have ended")


def _steal(before: Snapshot, after: Snapshot) -> Finding:
    what = "steal time"
    if before.stolen_s is None or after.stolen_s is None or before.total_s is None or after.total_s is None:
        return Finding(what, "unknown", "no /proc/stat")
    share = (after.stolen_s - before.stolen_s) / max(after.total_s - before.total_s, 1e-9)
    found = f"the hypervisor took {100 * share:.2f} % of the time"
    if share <= STOLEN:
        return Finding(what, "ok", found)
    return Finding(what, "found", found, "other machines share these cores: use dedicated cores")


def _heat(before: Snapshot, after: Snapshot) -> Finding:
    what = "heat"
    if before.throttled is None or after.throttled is None:
        return Finding(what, "unknown", "the system does not count throttling")
    times = after.throttled - before.throttled
    if times == 0:
        return Finding(what, "ok", "no core was slowed down")
    return Finding(what, "found", f"cores were slowed down {times} times", "cool better, or lower the clock")


def settings(threads: int, root: Path = host.ROOT) -> list[Finding]:
    """How the machine is set up: threads, quota, governor, boost, hardware threads, virtual or not.

    Args:
        threads: that a worker uses.
        root: folder that contains `proc` and `sys`.
    """
    facts = host.machine(root)
    return [
        _threads(threads, facts),
        _quota(threads, root),
        _governor(facts),
        _boost(root),
        _smt(facts),
        _virtual(facts),
    ]


def _threads(threads: int, facts: dict[str, Any]) -> Finding:
    cores = facts["physical_cores"] or facts["logical_cores"]
    found = f"{threads} of a worker, {cores} cores to use"
    if threads > cores:
        return Finding("threads", "found", found, f"use at most --threads {cores}")
    if threads == cores:
        return Finding("threads", "found", found, "leave a core to the system: one thread less")
    return Finding("threads", "ok", found)


def _quota(threads: int, root: Path) -> Finding:
    what = "cgroup quota"
    limit = host.cpu_quota(root)
    if limit is None:
        return Finding(what, "ok", "none")
    found = f"{limit:g} cores"
    if limit > threads:
        return Finding(what, "ok", found)
    return Finding(what, "found", found, "the kernel pauses what exceeds it: raise it above --threads")


def _governor(facts: dict[str, Any]) -> Finding:
    what, governor = "governor", facts["governor"]
    if governor is None:
        return Finding(what, "unknown", "the system reports none")
    if governor == "performance":
        return Finding(what, "ok", governor)
    return Finding(what, "found", governor, "sudo cpupower frequency-set -g performance")


def _boost(root: Path) -> Finding:
    what = "boost"
    off = {"1": True, "0": False}.get(_read(root / host.CPUS / "intel_pstate/no_turbo") or "")
    on = {"1": True, "0": False}.get(_read(root / host.CPUS / "cpufreq/boost") or "")
    if off is None and on is None:
        return Finding(what, "unknown", "the system does not report it")
    if off is True or on is False:
        return Finding(what, "ok", "off")
    command = "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
    if off is None:
        command = "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost"
    return Finding(what, "found", "on: the clock depends on heat and on other cores", command)


def _smt(facts: dict[str, Any]) -> Finding:
    what = "SMT"
    if facts["smt"] is None:
        return Finding(what, "unknown", "the system does not report it")
    if not facts["smt"]:
        return Finding(what, "ok", "off, or there is none")
    found = f"on: {facts['logical_cores']} threads on {facts['physical_cores'] or 'unknown'} cores"
    return Finding(what, "found", found, "echo off | sudo tee /sys/devices/system/cpu/smt/control")


def _virtual(facts: dict[str, Any]) -> Finding:
    what = "virtual machine"
    if facts["virtual"] is None:
        return Finding(what, "unknown", "the processor does not report it")
    if not facts["virtual"]:
        return Finding(what, "ok", "no")
    return Finding(what, "found", "yes: its neighbours are not visible", "quote ratios, never seconds")


def gpu(device: Gpu, own: Collection[int]) -> list[Finding]:
    """What disturbs a GPU: programs of others, and clocks lowered by heat or power.

    Args:
        own: ids of the processes that may use it.
    """
    name = device.name() or device.uuid() or "GPU"
    running, reason = device.processes()
    foreign = [pid for pid in running or [] if pid not in own]
    if running is None:
        others = Finding(f"programs on {name}", "unknown", reason or "NVML does not report them")
    elif foreign:
        found = f"processes {', '.join(map(str, foreign))}"
        others = Finding(f"programs on {name}", "found", found, "wait until they end, or use another GPU")
    else:
        others = Finding(f"programs on {name}", "ok", "none")
    slow = device.slowdowns()
    if not slow:
        return [others, Finding(f"clocks of {name}", "ok", "not lowered")]
    remedy = "cool better, or fix the clock below the limit: sudo nvidia-smi -lgc MHZ"
    return [others, Finding(f"clocks of {name}", "found", f"lowered: {', '.join(slow)}", remedy)]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None
