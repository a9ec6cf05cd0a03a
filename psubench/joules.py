"""Energy records to joules: pure functions, no torch. The counts are the hardware's, nothing is estimated."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psubench.record import IDLE

Record = Mapping[str, Any]


class Use(NamedTuple):
    """What one window says of one call of its contestant.

    Attributes:
        gross_j: joules per call, those of the idle machine included.
        net_j: the same without what the idle machine would have used in that time; None where no idle
            window beside it could be read. It may be negative, by noise, where a call uses next to nothing.
        seconds: per call.
        idle_w: power of the idle machine around the window, in watt.
    """

    gross_j: float
    net_j: float | None
    seconds: float
    idle_w: float | None


def energy_j(record: Record, window: Record) -> float | None:
    """Joules of a window over all counters; None as soon as one of them is unknown."""
    parts = []
    for count, counter in zip(window["counts"], record["counters"], strict=True):
        if count is None:
            return None
        parts.append(count * counter["unit_j"])
    return sum(parts) if parts else None


def uses(record: Record, label: str) -> list[Use]:
    """One entry per window of a contestant that could be read."""
    found = []
    for window in record["windows"]:
        joules = energy_j(record, window) if window["label"] == label else None
        if joules is not None:
            seconds, calls = window["wall_ns"] / 1e9, window["calls"]
            idle_w = _idle_power(record, window["round"])
            net = None if idle_w is None else (joules - idle_w * seconds) / calls
            found.append(Use(joules / calls, net, seconds / calls, idle_w))
    return found


def _idle_power(record: Record, number: int) -> float | None:
    """Watt, mean of the idle windows before and after a round as far as they could be read."""
    before = number - 1 if number else None
    powers = [
        joules / (window["wall_ns"] / 1e9)
        for window in record["windows"]
        if window["label"] == IDLE and window["round"] in (before, number)
        if (joules := energy_j(record, window)) is not None
    ]
    return statistics.fmean(powers) if powers else None


def per_call(record: Record) -> dict[str, list[float]]:
    """Gross joules per call by contestant: one entry for each round in which all could be read.

    So the entries of a round are pairs, as those of a timing block are.
    """
    rounds: dict[int, dict[str, float | None]] = {}
    for window in record.get("windows", ()):  # none in the record of a worker that died
        if window["label"] != IDLE:
            joules = energy_j(record, window)
            each = None if joules is None else joules / window["calls"]
            rounds.setdefault(window["round"], {})[window["label"]] = each
    labels = list(dict.fromkeys(label for found in rounds.values() for label in found))
    samples: dict[str, list[float]] = {label: [] for label in labels}
    for found in rounds.values():
        values = [found.get(label) for label in labels]
        known = [value for value in values if value is not None]
        if len(known) == len(labels):
            for label, value in zip(labels, known, strict=True):
                samples[label].append(value)
    return samples


def columns(case: Record, measured: Sequence[tuple[str, Record]]) -> dict[str, Any]:
    """The energy of a case: medians over all windows of all processes.

    Args:
        case: the canonical case; a call computes `batch` samples over `T` steps.
        measured: per process the neuron's label and the energy record; empty for a case that failed.
    """
    found = [use for label, record in measured for use in uses(record, label)]
    gross, net = _median(use.gross_j for use in found), _median(use.net_j for use in found)
    windows = [w for label, record in measured for w in record["windows"] if w["label"] == label]
    return {
        **_scaled("gross", gross, case),
        **_scaled("net", net, case),
        "power_w": _median(use.gross_j / use.seconds for use in found),
        "idle_w": _median(use.idle_w for use in found),
        "median_s": _median(use.seconds for use in found),
        "windows": len(found) or None,
        "window_s": _median(w["wall_ns"] / 1e9 for w in windows),
        "processes": len(measured) or None,
        "counters": _names(measured),
        "resolution": _resolution(measured),
    }


def _scaled(name: str, call: float | None, case: Record) -> dict[str, float | None]:
    """Joules per call, per sample of it, and per time step of its batch."""
    shares = {"call": 1, "sample": case["batch"], "step": case["T"]}
    return {f"{name}_j_per_{what}": None if call is None else call / share for what, share in shares.items()}


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _names(measured: Sequence[tuple[str, Record]]) -> str | None:
    """`rapl:package-0 + rapl:package-0/dram`: what was summed."""
    texts = {
        " + ".join(f"{counter['source']}:{counter['name']}" for counter in record["counters"])
        for _, record in measured
    }
    return "; ".join(sorted(texts)) or None


def _resolution(measured: Sequence[tuple[str, Record]]) -> float | None:
    """Largest share of a window's joules that the steps of its counters leave open; None if unknown."""
    shares = []
    for label, record in measured:
        steps = [counter["step_j"] for counter in record["counters"]]
        for window in record["windows"]:
            joules = energy_j(record, window) if window["label"] == label else None
            if joules and None not in steps:
                shares.append(sum(steps) / joules)
    return max(shares, default=None)


def unread(measured: Sequence[tuple[str, Record]]) -> str | None:
    """A sentence about the windows of a case that could not be read; None if all could."""
    windows = [w for label, record in measured for w in record["windows"] if w["label"] == label]
    reasons = [window["reason"] for window in windows if window["reason"]]
    return f"{len(reasons)} of {len(windows)} windows could not be read: {reasons[0]}" if reasons else None
