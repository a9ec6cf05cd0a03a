"""What of a large run is shown: a page that a browser opens, figures whose bars can be told apart.

Everything is in `psubench export`, whatever is left out here; what is left out is said.
"""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.paired import axes
from psubench.experiments.paired.axes import R
from psubench.render.axes import labels_of

MANY_CASES = 2000
"""A run of more has figures and sections of its first settings alone."""
MOST_FIGURES, MOST_SECTIONS = 3, 10
"""Settings of a large run that are drawn, and that have a section of a report."""
MOST_NEURONS = 24
"""In a figure, as many as a legend has room for."""
MOST_BARS, MOST_POINTS = 160, 1200
"""In a panel; there are never fewer than `_FEWEST_STEPS` values of T."""
MOST_ROWS, MOST_STEPS, MOST_SENTENCES = 500, 32, 100
"""Rows and columns of a table of a report, and sentences of a section."""
_FEWEST_STEPS = 8
ELSEWHERE = "psubench export has all"


def settings(rows: Sequence[R], most: int) -> dict[str, list[R]]:
    """The settings of rows; of a large run the first of them."""
    found = axes.settings(rows)
    return dict(list(found.items())[:most]) if len(rows) > MANY_CASES else found


def drawn(rows: Sequence[R], most: int) -> tuple[list[R], str]:
    """Rows of one setting that a figure shows, and a sentence about those that it does not.

    Args:
        most: marks in a panel.
    """
    labels, Ts = labels_of(rows), sorted({row.T for row in rows})
    kept = labels if len(labels) <= MOST_NEURONS else labels[:MOST_NEURONS]
    steps = spread(Ts, max(_FEWEST_STEPS, most // len(kept)))
    if len(kept) == len(labels) and len(steps) == len(Ts):
        return list(rows), ""
    of_label, of_T = set(kept), set(steps)
    chosen = [row for row in rows if row.label in of_label and row.T in of_T]
    told = f"{len(kept)} of {len(labels)} neurons and {len(steps)} of {len(Ts)} T are drawn, {ELSEWHERE}"
    return chosen, f"; {told}"


def spread(Ts: Sequence[int], most: int) -> list[int]:
    """At most so many values, evenly spread, the first and the last among them."""
    if len(Ts) <= most:
        return list(Ts)
    return [Ts[round(i * (len(Ts) - 1) / (most - 1))] for i in range(most)]


def names(labels: Sequence[str]) -> list[str]:
    """The neurons that a title has room for, and how many others there are."""
    if len(labels) <= MOST_NEURONS:
        return list(labels)
    return [*labels[:MOST_NEURONS], f"{len(labels) - MOST_NEURONS} others"]


def first(lines: Sequence[str]) -> tuple[str, ...]:
    """The first sentences, and how many more there are."""
    if len(lines) <= MOST_SENTENCES:
        return tuple(lines)
    return (*lines[:MOST_SENTENCES], f"{len(lines) - MOST_SENTENCES} more are left out; {ELSEWHERE}")
