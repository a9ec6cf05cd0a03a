"""What every kind of run gives to a report: texts, tables and figures, without a word of HTML or LaTeX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Tone = Literal["", "good", "bad", "quiet", "doubt"]
"""How a cell is meant: better or worse than the reference, no difference, or without a number."""


class Cell(NamedTuple):
    """One cell of a table.

    Attributes:
        text: what is shown.
        order: what its column is sorted by; None is unknown and stands last in either direction.
        detail: after the text or below it, smaller: an interval.
        tone: colour; `word` says the same for those who do not see it.
        word: of the tone, such as "faster".
        best: shown bold.
    """

    text: str
    order: float | str | None = None
    detail: str = ""
    tone: Tone = ""
    word: str = ""
    best: bool = False


class Head(NamedTuple):
    """The head of a column.

    Attributes:
        text: with the unit, where the cells do not hold it; may break where it has a line break.
        right: whether cells are aligned to the right.
        names_row: whether cells say what their row is about.
    """

    text: str
    right: bool = False
    names_row: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the page, sortable there, and of the paper.

    Attributes:
        name: of its file, unique in a report.
        caption: what the numbers are, with units, and what bold means.
        rows: one cell per head.
        stacked: whether details stand below texts, for tables with a column per T.
        groups: index of the column whose change of value begins a new group of rows; None for no groups.
    """

    name: str
    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    stacked: bool = False
    groups: int | None = None


@dataclass(frozen=True)
class Drawing:
    """A figure.

    Attributes:
        name: of its file, unique in a report.
        caption: what is drawn, and what bars and bands mean.
        alt: what it shows, in words, for those who do not see it.
        wide: whether it needs the whole width of a page, rather than that of one column.
    """

    name: str
    caption: str
    alt: str
    figure: Figure
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """One network, data set or setting.

    Attributes:
        title: tells it from the other sections of its part.
        says: what the numbers say, in sentences.
        drawings: of the page.
        paper: figures for print.
        tables: of both.
        failed: what failed or was skipped, and why.
        notes: what else a reader must know, such as what the input was cut from.
        facts: name -> text, for captions: T, batch, data, what is synthetic or unverified.
    """

    title: str
    says: tuple[str, ...]
    drawings: tuple[Drawing, ...]
    paper: tuple[Drawing, ...]
    tables: tuple[Table, ...]
    failed: tuple[str, ...]
    notes: tuple[str, ...]
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """All runs of one kind.

    Attributes:
        title: one or two words, such as "Speed".
        headline: what was asked, as a title.
        warnings: what forbids taking the numbers at face value, such as a fake clock.
        protocol: name -> text, how was measured and by which rules.
        sections: in the order of the runs.
        overview: figures that span several sections, of the page and for print.
        facts: as those of a section, for the overview.
    """

    title: str
    headline: str
    warnings: tuple[str, ...]
    protocol: Mapping[str, str]
    sections: tuple[Section, ...]
    overview: tuple[Drawing, ...]
    facts: Mapping[str, str]
