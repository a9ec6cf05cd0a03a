"""Processes in which the machine was disturbed, told by the yardstick alone.

For seconds a shared machine may work at half its speed. Even the fastest samples of a block are then slow,
and not all neurons are slowed alike: of 28 pairs on two virtual cores, ten lay in such seconds, and their
ratios were off by up to 35 %. The yardstick is the same work on both sides, so that it took longer is no
news of the code; a pair of which either process had a slow yardstick is left out of what decides.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import replace

from psubench.regression.evidence import Evidence

SLOW = math.log(1.10)
"""How much longer than in most processes of its side the yardstick may take. Equal work on the quiet machine
scattered by 1 to 2 %."""

Pair = tuple[Evidence, Evidence]


def undisturbed(pairs: Mapping[str, Pair]) -> dict[str, Pair]:
    """The same cases without the processes that were disturbed on either side.

    Each side has its own measure, the median of its yardstick: if all that the new side runs became slower,
    its yardstick with it, nothing is left out.
    """
    return {key: _cleared(pair) for key, pair in pairs.items()}


def _cleared(pair: Pair) -> Pair:
    slow = {process for one in pair for process in _slow(one.log_reference)}
    base, new = (
        replace(one, log_ratio={p: value for p, value in one.log_ratio.items() if p not in slow})
        for one in pair
    )
    return base, new


def _slow(log_reference: Mapping[int, float]) -> set[int]:
    if not log_reference:
        return set()
    limit = statistics.median(log_reference.values()) + SLOW
    return {process for process, value in log_reference.items() if value > limit}
