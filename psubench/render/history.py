"""A history at a glance: a line per commit or run, with what has changed there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from psubench.compare.history import NOT_COUNTED, ORDER, HistoryRow
from psubench.errors import one_line
from psubench.render import comparison
from psubench.render.column import Column, Tone, plain
from psubench.render.grid import Grid, Sheet
from psubench.render.numbers import UNKNOWN

TONES: dict[str, Tone] = {
    "slower": "bad", "more work": "bad", "more memory": "bad", "changed": "bad", "failed": "failed",
    "not counted": "failed", "other work": "doubt", "same work": "quiet",
    "faster": "good", "same": "quiet", "identical": "quiet", "first": "quiet",
}  # fmt: skip
_SUBJECT, _TOLD = 30, 60
"""Letters of a cell: each place shall have one line where the terminal is wide enough."""


class Line(NamedTuple):
    """One commit or run.

    Attributes:
        at, date, title, machine: as in `HistoryRow`.
        verdict: the worst of its cases.
        told: what has changed, by neuron.
        stretch: number of the stretch without a change that it belongs to.
    """

    at: str
    date: str | None
    title: str
    machine: str
    verdict: str
    told: str
    stretch: int


def lines(rows: Sequence[HistoryRow]) -> list[Line]:
    """A line per place, in the order of the rows."""
    found: list[Line] = []
    for at, of_place in groupby(rows, key=lambda row: row.at):
        here = list(of_place)
        verdict = min((row.verdict for row in here), key=ORDER.index)
        before = found[-1].stretch if found else 0
        stretch = before + any(row.marked and row.verdict != NOT_COUNTED for row in here)
        first = here[0]
        found.append(Line(at, first.date, first.title, first.machine, verdict, told(here), stretch))
    return found


def told(rows: Sequence[HistoryRow]) -> str:
    """`lif: slower +13.4 % [+11.0, +15.9], +16 _local_scalar_dense`: what has changed at a place."""
    words: dict[str, list[str]] = {}
    every = _by_label(rows)
    for label, of_label in every.items():
        texts = [_words(row) for row in of_label]
        if texts[0]:
            several = len(set(texts)) > 1
            where = f" ({of_label[0].phase}, T={of_label[0].T})" if several and of_label[0].T else ""
            words.setdefault(texts[0] + where, []).append(label)
    if len(words) == 1 and len(every) > 1 and len(next(iter(words.values()))) == len(every):
        return f"all: {next(iter(words))}"
    return "; ".join(
        f"{', '.join(filter(None, names))}: {text}".lstrip(": ") for text, names in words.items()
    )


def _by_label(rows: Sequence[HistoryRow]) -> dict[str, list[HistoryRow]]:
    """The rows of each neuron, worst first."""
    found: dict[str, list[HistoryRow]] = {}
    for row in sorted(rows, key=lambda row: (ORDER.index(row.verdict), -(row.change or 0.0))):
        found.setdefault(row.label or "", []).append(row)
    return found


def _words(row: HistoryRow) -> str:
    timed = f"{row.verdict} {comparison.change(row)}" if row.change is not None and row.marked else ""
    known = ", ".join(filter(None, (timed, row.work)))
    silent = row.verdict in ("failed", "changed", "not counted", "not comparable", "missing")
    unclear = row.verdict == "unclear" and row.change is None
    return known or (one_line(row.reason or "") if silent or unclear else "")


def _cut(text: str, most: int) -> str:
    """A text, or its beginning and a sign that there is more."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _tone(line: Line) -> Tone:
    return TONES.get(line.verdict, "doubt")


_VERDICT = Column("verdict", "verdict", plain("verdict"), tone=_tone)
_CHANGED = Column("told", "what has changed", lambda line: _cut(line.told or UNKNOWN, _TOLD), breaks=True)
COMMITS = (
    Column("at", "commit", lambda line: line.at[:8], names_row=True),
    _VERDICT,
    _CHANGED,
    Column("title", "subject", lambda line: _cut(line.title, _SUBJECT), spare=True),
)
RUNS = (
    Column("date", "started", lambda line: (line.date or "-")[:16].replace("T", " ")),
    Column("title", "run", plain("title"), names_row=True, breaks=True),
    _VERDICT,
    _CHANGED,
)


def grids(found: Sequence[Line], columns: Sequence[Column]) -> list[Grid]:
    """A table per kind of machine; a line stands where something changes."""
    machines = dict.fromkeys(line.machine for line in found)
    return [
        Grid(machine, columns, [line for line in found if line.machine == machine], group="stretch")
        for machine in machines
    ]


def caption(found: Sequence[Line], what: str) -> str:
    """`11 commits: 8 identical, 2 other work, 1 first`."""
    words = [line.verdict for line in found]
    counts = ", ".join(f"{words.count(word)} {word}" for word in reversed(ORDER) if word in words)
    return f"{len(words)} {what}: {counts}"


def sheet(rows: Sequence[HistoryRow], columns: Sequence[Column], what: str) -> Sheet:
    """What a terminal shows."""
    found = lines(rows)
    return Sheet(caption(found, what), grids(found, columns), ())
