"""Facts about the machine, its noise, and the causes of noise. Displays nothing."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from psubench.compare.evidence import log_ratio
from psubench.compare.git import instructions
from psubench.compare.power import smallest_effect
from psubench.devices import available, device_lock, machine, memory_limit_bytes, noise_sources
from psubench.devices.energy_meters import meters
from psubench.devices.noise_sources import Finding
from psubench.devices.nvml import Nvml
from psubench.experiments.speed.options import SpeedOptions
from psubench.experiments.speed.plan import speed_blocks
from psubench.records.events import Begin, Measured, Watcher
from psubench.records.measured import Block as Timed
from psubench.records.paired import block_ratios
from psubench.runs.case import NEVER_EARLY, Block
from psubench.runs.schedule import Settings, Workers
from psubench.runs.worker_process import Host
from psubench.stats import intervals

REFERENCE, NEURON = "lif", "psu"
CASE = SpeedOptions(neurons=NEURON, reference=REFERENCE, T=(24,), batch=(4,), size=(64,), phase=("train",))
"""As in suites/ci.toml: the noise of another case would say little about what that suite detects."""
POWER = 0.9
WAITING = 0.02  # share of a window's time; less is due to reading the clocks


def examine(
    device: str,
    threads: int,
    seconds: float,
    processes: int,
    margin: float,
    watcher: Watcher,
    on_wait: Callable[[str], None],
) -> dict[str, Any]:
    """All facts, the noise of an A/A measurement, and the causes of noise.

    Args:
        device: as `devices.resolve` gives it.
        seconds: of samples, shared by the processes; 0 measures nothing.
        processes: fresh ones, one after the other.
        margin: relative change that a comparison accepts.
        watcher: notified of cases that fail.
        on_wait: called with a sentence if another run holds the device.
    """
    records: list[Timed] = []
    before = after = None
    if seconds > 0:
        with device_lock(device, on_wait):
            before = noise_sources.snapshot()
            records = same_against_same(device, threads, seconds, processes, watcher)
            after = noise_sources.snapshot()
    findings = noise_sources.settings(threads) + of_gpus(Nvml())
    if before and after:
        findings = [*noise_sources.between(before, after), *of_windows(records), *findings]
    return {
        "machine": machine(),
        "devices": [info._asdict() for info in available()],
        "energy": [entry for info in available() if info.usable for entry in counters(info.name)],
        "noise": noise(records, margin) if records else None,
        "without_clock": [finding._asdict() for finding in without_clock()],
        "findings": [finding._asdict() for finding in findings],
    }


def without_clock() -> list[Finding]:
    """What `compare --git` can compare here before any time, and what to do where it cannot."""
    work = Finding("work", "ok", "operators, memory and Python code of every call on the CPU")
    if (why := instructions.lacking()) is not None:
        return [work, Finding("instructions", "no", *why)]
    return [work, Finding("instructions", "ok", f"{instructions.version()}, where the work differs")]


def counters(device: str) -> list[dict[str, Any]]:
    """Every energy counter of a device with its resolution, or why there is none."""
    if device == "scripted":
        return []
    found, absent = meters(device)
    entries = []
    for counter in found:
        resolution, reason = counter.resolution()
        entries.append(
            {
                "device": device,
                "counter": f"{counter.source}:{counter.name}",
                "step_j": resolution and resolution.step_j,
                "period_s": resolution and resolution.period_s,
                "reason": reason,
                "remedy": None,
            }
        )
    lacking = dict.fromkeys(("counter", "step_j", "period_s"))
    return entries + [
        {"device": device, **lacking, "reason": one.reason, "remedy": one.remedy} for one in absent
    ]


def same_against_same(
    device: str, threads: int, seconds: float, processes: int, watcher: Watcher
) -> list[Timed]:
    """Block records of fresh processes that measure LIF against itself and against a PSU."""
    (block,) = speed_blocks(replace(CASE, threads=threads), REFERENCE, device)
    settings = Settings(processes, NEVER_EARLY, seconds / processes, CASE.timeout, memory_limit_bytes(), 0)
    watcher.plan("blocks", processes, processes)
    return [_process(number, block, settings, watcher) for number in range(processes)]


def _process(number: int, block: Block, settings: Settings, watcher: Watcher) -> Timed:
    began = time.monotonic()
    watcher.hear("noise", Begin())
    workers = Workers(settings, watcher, number, Host(block.case.threads, block.case.device))
    try:
        record = workers.measure("noise", block, list(block.entries))
    finally:
        workers.host.close()
    assert isinstance(record, Timed)
    ratios = {name: interval.ratios() for name, interval in block_ratios(record).items()}
    watcher.hear("noise", Measured(time.monotonic() - began, ratios))
    return record


def noise(records: Sequence[Timed], margin: float) -> dict[str, Any]:
    """The A/A result, and the smallest slowdown that `compare --git` detects with such noise.

    `sd` is the standard deviation between processes of what compare's verdicts are based on: the log-ratio of
    the fastest samples of LIF and PSU. The place of two neurons in memory differs from process to process,
    which LIF against itself cannot show. The smallest effect assumes that consecutive processes have
    independent noise.
    """
    again = [found[REFERENCE].value for r in records if REFERENCE in (found := block_ratios(r))]
    ratios = [value for record in records if (value := log_ratio(record, NEURON)) is not None]
    sd = statistics.stdev(ratios) if len(ratios) > 1 else None
    case = records[0].case
    size = f"T={case.T} batch={case.batch} size={case.size}"
    return {
        "case": f"{REFERENCE} against itself and {NEURON}, {case.phase}, {size}",
        "device": case.device,
        "processes": len(ratios),
        "rounds": sum(record.rounds for record in records),
        "noise_floor": intervals.noise_floor(intervals.over_processes(again)) if again else None,
        "sd": sd,
        "smallest_effect": None if sd is None else smallest_effect(math.sqrt(2) * sd, margin, POWER),
        "power": POWER,
        "margin": margin,
        "failed": [outcome.message for r in records for outcome in r.cases if outcome.status != "ok"],
    }


def of_windows(records: Sequence[Timed]) -> list[Finding]:
    """What the timed windows themselves show: page faults, and time spent waiting for a core."""
    faults = [n for record in records for n in record.faults]
    if not faults:
        return []
    share = statistics.fmean(n > 0 for n in faults)
    found = f"in {100 * share:.0f} % of the rounds"
    pages = Finding("page faults", "ok", found)
    if share > 0.05:
        remedy = "the allocator's settings have no effect: use glibc, and free memory"
        pages = Finding("page faults", "found", found, remedy)
    return [pages, _waiting(records)]


def _waiting(records: Sequence[Timed]) -> Finding:
    used = sum(ns for record in records for ns in record.cpu_ns)
    wall = sum(ns for record in records for samples in record.wall_ns.values() for ns in samples)
    what = "waiting for a core"
    if not wall or records[0].case.device != "cpu":
        return Finding(what, "unknown", "the windows were not timed on the CPU")
    # With several threads a window uses more processor time than it lasts.
    share = max(0.0, 1 - used / (wall * records[0].case.threads))
    found = f"{100 * share:.1f} % of the time in windows"
    if share <= WAITING or records[0].case.threads > 1:
        return Finding(what, "ok", found)
    return Finding(what, "found", found, "others run on these cores: see other programs and steal time")


def of_gpus(nvml: Nvml) -> list[Finding]:
    """What disturbs the GPUs of this machine."""
    return [finding for gpu in nvml.gpus() for finding in noise_sources.gpu(gpu, {os.getpid()})]
