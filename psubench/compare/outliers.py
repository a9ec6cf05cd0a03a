"""Processes in which the machine was disturbed, judged by the fixed work alone.

For seconds a shared machine may work at half its speed. Even the fastest samples of a block are then slow,
and not all neurons are slowed alike: of 28 pairs on two virtual cores, nine or ten fell into such seconds,
and their ratios were off by up to 35 %. The fixed work is the same on both sides, so if it took longer, the
code is not the cause; a pair in which either process had slow fixed work does not take part in the decision.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

from psubench.compare.evidence import Pair

SLOW = math.log(1.10)
"""How much longer than in most processes of its side the fixed work may take. On a quiet machine it scattered
by 1 to 2 %."""


def undisturbed(pairs: Mapping[str, Pair], turns: Sequence[range]) -> dict[str, Pair]:
    """The same cases without the processes that were disturbed on either side.

    Each side is compared with the median of its own fixed work: if everything on the new side became slower,
    including the fixed work, nothing is left out. The same holds for each turn: other turns have no
    influence, and next to fewer neurons the fixed work may take a different time.

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
