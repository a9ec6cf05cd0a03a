"""Processes in which the machine was disturbed, told by the yardstick alone.

For seconds a shared machine may work at half its speed. Even the fastest samples of a block are then slow,
and not all neurons are slowed alike: of 28 pairs on two virtual cores, nine or ten lay in such seconds,
and their ratios were off by up to 35 %. The yardstick is the same work on both sides, so that it took longer
is no news of the code; a pair of which either process had a slow yardstick is left out of what decides.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

from psubench.compare.evidence import Pair

SLOW = math.log(1.10)
"""How much longer than in most processes of its side the yardstick may take. Equal work on the quiet machine
scattered by 1 to 2 %."""


def undisturbed(pairs: Mapping[str, Pair], turns: Sequence[range]) -> dict[str, Pair]:
    """The same cases without the processes that were disturbed on either side.

    Each side has its own measure, the median of its yardstick: if all that the new side runs became slower,
    its yardstick with it, nothing is left out. So has each turn: what another one shows changes nothing, and
    beside fewer neurons the yardstick may take another time.

    Args:
        turns: numbers of the processes that were measured together, one look after the other.
    """
    return {key: _cleared(pair, turns) for key, pair in pairs.items()}


def _cleared(pair: Pair, turns: Sequence[range]) -> Pair:
    slow = {process for one in pair for turn in turns for process in _slow(one.log_reference, turn)}
    base, new = (
        replace(one, log_ratio={p: value for p, value in one.log_ratio.items() if p not in slow})
        for one in pair
    )
    return base, new


def _slow(log_reference: Mapping[int, float], turn: range) -> set[int]:
    of_turn = {process: value for process, value in log_reference.items() if process in turn}
    if not of_turn:
        return set()
    limit = statistics.median(of_turn.values()) + SLOW
    return {process for process, value in of_turn.items() if value > limit}
