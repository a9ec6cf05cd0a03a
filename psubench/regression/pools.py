"""All cases of a neuron as one more: what slows it down slows most of them, and together they show it.

Each case of a process is measured in a worker of its own, so most of their noise is their own: the mean of
four scatters about half as much as each. A pool is tested like a case, beside its members and in the same
family, so the level covers it.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psubench.regression.evidence import Evidence

_WITHIN = ("T", "phase", "batch", "size")
"""Axes over which a pool reaches."""
Pair = tuple[Evidence, Evidence]


@dataclass(frozen=True)
class Pool:
    """Cases that differ in nothing but T, phase, batch and size.

    Attributes:
        members: their keys.
        pair: base and new, as evidence of a single case.
    """

    members: tuple[str, ...]
    pair: Pair


def pools(pairs: Mapping[str, Pair]) -> dict[str, Pool]:
    """By key, the pools of all cases that were timed on both sides; of two or more cases each."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for key, (base, new) in pairs.items():
        if base.log_ratio and new.log_ratio:
            found.setdefault(_family(new.case), []).append(key)
    made = {}
    for members in found.values():
        if len(members) > 1:
            sides = [_pooled([pairs[key][side] for key in members]) for side in (0, 1)]
            made[sides[1].key] = Pool(tuple(members), (sides[0], sides[1]))
    return made


def _family(case: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((axis, repr(value)) for axis, value in case.items() if axis not in _WITHIN))


def _pooled(cases: Sequence[Evidence]) -> Evidence:
    """Their means, of the processes in which all of them were measured."""
    first = cases[0]
    return Evidence(
        key="+".join(sorted(one.key for one in cases)),
        case={axis: value for axis, value in first.case.items() if all(c.case[axis] == value for c in cases)},
        label=f"{first.label}, all {len(cases)} cases",
        reference=None,
        status="ok",
        message=None,
        exact={},
        log_ratio=_means([one.log_ratio for one in cases]),
        log_time=_means([one.log_time for one in cases]),
    )


def _means(values: Sequence[Mapping[int, float]]) -> dict[int, float]:
    common = set(values[0]).intersection(*values[1:])
    return {process: statistics.fmean(one[process] for one in values) for process in sorted(common)}
