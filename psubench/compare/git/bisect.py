"""Which commits of a chain have changed the work, found by counting few of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """A change between two places of a chain; what lies between them could not be counted."""

    before: int
    after: int


def changes(
    places: Sequence[int],
    count: Callable[[Sequence[int]], Sequence[int]],
    differ: Callable[[int, int], bool],
) -> list[Step]:
    """The steps at which the work changes, in order.

    Both ends are counted, and what lies between two that differ is halved until they are neighbours: about
    log2(n) counts for one change among n places. Between two that are equal nothing is counted, so a change
    that is taken back within the chain may not be seen.

    Args:
        places: of the chain, in order.
        count: counts some of them; gives those that could be counted.
        differ: whether the work of two that were counted differs.
    """
    ends = _ends(list(places), count)
    segments = [ends] if len(ends) > 1 else []
    found = []
    while segments:
        open_ = [one for one in segments if differ(one[0], one[-1])]
        found += [Step(one[0], one[-1]) for one in open_ if len(one) == 2]
        halved = [one for one in open_ if len(one) > 2]
        middles = {one[len(one) // 2] for one in halved}
        bad = middles - set(count(sorted(middles))) if middles else set()
        segments = []
        for one in halved:
            middle = len(one) // 2
            whole = [place for place in one if place not in bad]
            segments += [whole] if one[middle] in bad else [one[: middle + 1], one[middle:]]
    return sorted(found)


def _ends(places: list[int], count: Callable[[Sequence[int]], Sequence[int]]) -> list[int]:
    """The chain without what cannot be counted at either end."""
    while len(places) > 1:
        ends = {places[0], places[-1]}
        bad = ends - set(count(sorted(ends)))
        if not bad:
            return places
        places = [place for place in places if place not in bad]
    return []
