"""A grid is a table of texts, a sheet is what a run shows; here they are printed in the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psubench.render import terminal
from psubench.render.column import Column, Tone, unit

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_STYLES: dict[Tone, str] = {"good": "green", "bad": "red", "quiet": "dim", "doubt": "yellow", "failed": "red"}
_WORD, _LEAST = 10, 4
"""Letters of a piece of a cell that is broken: of `unverified`, and of what little room there may be."""
_LONG = 20
"""Letters of a name above which it is broken where its parts end, before they are broken themselves."""
_Texts = tuple[Column, str, list[str]]
"""Column, head and cells."""


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        title: stands above it.
        group: name of a field, or what makes a key of a row: a line stands where it changes.
        tone: of a whole row.
        one_unit: whether the cells of a column share a unit wherever they can, as in tables for papers.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    group: str | Callable[[Any], object] = ""
    tone: Callable[[Any], Tone] | None = None
    one_unit: bool = False

    def texts(self) -> list[tuple[Column, str, list[str]]]:
        """Column, head and cells of every column."""
        return [(column, *self._column(column)) for column in self.columns]

    def _column(self, column: Column) -> tuple[str, list[str]]:
        head = column.head if isinstance(column.head, str) else column.head(self.rows)
        scale = column.scale
        if scale is None or (column.text is not None and not self.one_unit):
            assert column.text is not None  # a column without a text has a scale
            return head, [column.text(row) for row in self.rows]
        name = unit(self.columns, self.rows, scale)
        cells = [scale.text(row, scale.units[name]) for row in self.rows]
        return f"{head}\n({name})" if name else head, cells

    def tones(self, column: Column) -> list[Tone]:
        """Of every cell of a column: its own, else that of its row."""
        tone = column.tone or self.tone
        return ["" if tone is None else tone(row) for row in self.rows]

    def ends(self) -> list[bool]:
        """Of every row whether a group ends with it."""
        group = self.group
        if not group:
            return [False] * len(self.rows)
        keys = [getattr(row, group) if isinstance(group, str) else group(row) for row in self.rows]
        return [key != after for key, after in zip(keys, [*keys[1:], *keys[-1:]], strict=True)]


@dataclass(frozen=True)
class Sheet:
    """What runs show, in every format.

    Attributes:
        caption: what all rows share.
        blocks: of the terminal: grids, and paragraphs of sentences.
        printed: grids for Markdown and LaTeX; the first stands under the caption.
        legend: sentences without which the numbers cannot be read; part of the caption in LaTeX.
        notes: what else must be said: below a table of Markdown, in comments of LaTeX.
    """

    caption: str
    blocks: Sequence[Grid | Sequence[str]]
    printed: Sequence[Grid]
    legend: Sequence[str] = ()
    notes: Sequence[str] = ()

    def titles(self, *more: str) -> list[str]:
        """Of the printed grids, as sentences: the caption with more, then what the others are called."""
        first = ". ".join((self.caption, *more))
        return [f"{title}." for title in [first, *(grid.title for grid in self.printed[1:])]]


def show(sheet: Sheet, console: Console | None = None) -> None:
    """Prints a sheet: the caption, then every block after an empty line.

    Args:
        console: standard output by default, 80 columns wide where that is not a terminal.
    """
    from rich.text import Text

    console = console or terminal.console()
    known = terminal.letters(console)
    console.print(Text(known(f"{sheet.caption}.")))
    for block in sheet.blocks:
        if isinstance(block, Grid):
            console.print(Text(known(f"\n{block.title}" if block.title else ""), "bold"))
            console.print(_table(block, console.width, known))
        elif block:
            console.print(Text("\n" + "\n".join(known(f"{line}.") for line in block)))


def _table(grid: Grid, width: int, known: Callable[[str], str]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    texts = [(column, known(head), list(map(known, cells))) for column, head, cells in grid.texts()]
    fitted, breaking, least = _fitted(texts, width)
    lines = []
    for column, head, cells in fitted:
        named = column.names_row and column.name in breaking
        parts = list(map(_in_parts, cells)) if named else cells
        # A folded cell is hard to read but whole; the default would cut it off.
        table.add_column(
            Text(head),
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=column.name not in breaking or (named and least == _WORD and _longest(parts) <= _LONG),
            min_width=min(least, max(map(len, cells), default=0)) if column.breaks else None,
        )
        tones = grid.tones(column)
        lines.append([Text(cell, _STYLES.get(tone, "")) for cell, tone in zip(parts, tones, strict=True)])
    for line, end in zip(zip(*lines, strict=True), grid.ends(), strict=True):
        table.add_row(*line, end_section=end)
    return table


def _in_parts(name: str) -> str:
    """A long name such as `library:Neuron(a=1,b=2)` with a line for each of its parts."""
    return re.sub(r"(?<=[(,])(?=.)|(?<=\w:)(?=\w)", "\n", name) if len(name) > _LONG else name


def _longest(cells: Sequence[str]) -> int:
    return max((len(piece) for cell in cells for piece in cell.split()), default=0)


def _fitted(texts: Sequence[_Texts], width: int) -> tuple[Sequence[_Texts], set[str], int]:
    """The columns that fit into a terminal, the names of those whose cells are broken, and their least width.

    First those that may be broken are; then the spare columns go; then texts are broken; at last numbers too.
    """
    without = [one for one in texts if not one[0].spare]
    tries = ((texts, False, _WORD), (without, False, _WORD), (without, True, _WORD), (without, True, _LEAST))
    for found, words, least in tries:
        breaking = {column.name for column, _, _ in found if column.breaks or (words and not column.right)}
        needed = sum(_width(one, least if one[0].name in breaking else None) + 2 for one in found) - 2
        if needed <= width:
            return found, breaking, least
    return without, {column.name for column, _, _ in without}, _LEAST


def _width(texts: _Texts, least: int | None) -> int:
    """Letters of a column whose cells stand in one line, or are broken into pieces of at least so many."""
    column, head, cells = texts
    if least is None:
        return max(map(len, [*head.split("\n"), *cells]))
    if column.names_row and least == _WORD:
        least, cells = _LONG, [*map(_in_parts, cells)]
    return min(least, _longest([head, *cells]))
