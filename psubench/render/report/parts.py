"""What every kind of run gives to a report: texts, tables and figures, without a word of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from psubench.render.column import Tone
from psubench.render.grid import Grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    """A table of the page, sortable there.

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


def table(grid: Grid, name: str, best: tuple[str, float] | None = None) -> Table:
    """A grid as a table of a report, with its title as the caption.

    Args:
        best: name of a column and its number that is bold.
    """
    texts = grid.texts()
    heads = tuple(Head(head, column.right, column.names_row) for column, head, _ in texts)
    columns = []
    for column, head, cells in texts:
        made = []
        for row, text, tone in zip(grid.rows, cells, grid.tones(column), strict=True):
            shown, bracket, end = text.partition(" [") if "[" in head else (text, "", "")
            order = column.value(row, text)
            shade: Tone = "doubt" if tone == "failed" else tone
            made.append(Cell(shown, order, (bracket + end).strip(), shade, best=best == (column.name, order)))
        columns.append(made)
    groups = next((place for place, (column, _, _) in enumerate(texts) if column.name == grid.group), None)
    return Table(name, grid.title, heads, tuple(zip(*columns, strict=True)), groups=groups)


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
        failed: what failed or was skipped, and why.
        notes: what else a reader must know, such as what the input was cut from.
        facts: name -> text, for captions: T, batch, data, what is synthetic or unverified.
    """

    title: str
    says: tuple[str, ...]
    drawings: tuple[Drawing, ...]
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
        overview: figures that span several sections, of several networks.
        facts: as those of a section, for the overview.
    """

    title: str
    headline: str
    warnings: tuple[str, ...]
    protocol: Mapping[str, str]
    sections: tuple[Section, ...]
    overview: tuple[Drawing, ...]
    facts: Mapping[str, str]
