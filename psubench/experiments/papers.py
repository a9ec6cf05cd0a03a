"""What a paper shows of runs: the figures of the paper that psubench reproduces, and a table of each kind."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.registry import KINDS, by_kind
from psubench.experiments.written import Named, renamed
from psubench.records.structs import Record
from psubench.render.paper import Content, Printed


def contents(runs: Sequence[Sequence[Record]], named: Named, width: float) -> tuple[list[Content], list[str]]:
    """What the runs of each kind show, and which figures cannot be made of them, each with the reason.

    Args:
        named: what a label of a neuron is called.
        width: of the figures, in inches.

    Raises:
        PsubenchError: a run holds no case.
    """
    given = by_kind(runs)
    made, missing = [], []
    for kind in KINDS.values():
        if kind.name not in given:
            reason = f"no run of psubench {' or '.join(kind.options)} is given"
            missing += [f"{figure} ({reason})" for figure in kind.paper]
            continue
        some = given[kind.name]
        found = kind.of(some)
        figures = [kind.printed(name, found, named, width) for name in kind.paper]
        missing += [one for one in figures if isinstance(one, str)]
        drawn = [one for one in figures if isinstance(one, Printed)]
        shown = renamed(found, named)
        made.append(Content(kind.results, kind.shown(shown), drawn, kind.about(shown, some)))
    return made, missing
