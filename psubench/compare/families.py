"""All cases of a neuron as one more case: a slowdown affects most of them, and together they show it.

Each case of a process is measured in a worker of its own, so most of their noise is independent: the mean
of four scatters about half as much as each. A family is tested like a case, along with its members and in the
same correction for multiple tests, so the level covers it.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psubench.compare.evidence import Evidence, Pair

_WITHIN = ("T", "phase", "batch", "size")
"""Axes that a family spans."""


@dataclass(frozen=True)
class Family:
    """Cases that differ in nothing but T, phase, batch and size.

    Attributes:
        members: their keys.
        pair: base and new, as evidence of a single case.
    """

    members: tuple[str, ...]
    pair: Pair


def families(pairs: Mapping[str, Pair]) -> dict[str, Family]:
    """By key, the families of two or more cases that were timed on both sides."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for key, (base, new) in pairs.items():
        if base.log_time and new.log_time:
            found.setdefault(_family(new.case), []).append(key)
    made = {}
    for members in found.values():
        if len(members) > 1:
            pair = _pooled([pairs[key] for key in members])
            made[pair[1].key] = Family(tuple(members), pair)
    return made


def _family(case: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((axis, repr(value)) for axis, value in case.items() if axis not in _WITHIN))


def _pooled(members: Sequence[Pair]) -> Pair:
    """Means over the cases, of the processes in which all were measured and half were not disturbed.

    If one of four cases was disturbed, the other three remain, the same ones on both sides: means over
    different cases would differ by the differences between the cases.
    """
    ratios: tuple[dict[int, float], dict[int, float]] = ({}, {})
    times: tuple[dict[int, float], dict[int, float]] = ({}, {})
    for process in sorted(set[int].intersection(*(set(one.log_time) for pair in members for one in pair))):
        there = [pair for pair in members if all(process in one.log_ratio for one in pair)]
        if 2 * len(there) < len(members):
            continue
        for side in (0, 1):
            ratios[side][process] = statistics.fmean([pair[side].log_ratio[process] for pair in there])
            times[side][process] = statistics.fmean([pair[side].log_time[process] for pair in members])
    base, new = ([pair[side] for pair in members] for side in (0, 1))
    return _whole(base, ratios[0], times[0]), _whole(new, ratios[1], times[1])


def _whole(cases: Sequence[Evidence], ratios: dict[int, float], times: dict[int, float]) -> Evidence:
    first = cases[0]
    return Evidence(
        key="+".join(sorted(one.key for one in cases)),
        case={axis: value for axis, value in first.case.items() if all(c.case[axis] == value for c in cases)},
        label=f"{first.label}, all {len(cases)} cases",
        reference=None,
        status="ok",
        message=None,
        exact={},
        log_ratio=ratios,
        log_time=times,
        log_reference=first.log_reference,
    )
