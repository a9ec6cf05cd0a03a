"""Rows as a table: the terminal's, and the grid of texts that Markdown and LaTeX share with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from psubench.errors import one_line
from psubench.experiments import outputs
from psubench.experiments.energy import columns as energy_columns
from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired.columns import UNKNOWN, Column, Row, Show, verdict
from psubench.experiments.paired.verdicts import verdict_lines
from psubench.render import terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_STYLES = {"faster": "green", "slower": "red", "≈": "dim", "ref": "dim", "unclear": "yellow"}
_PHASES = {"train": "training", "infer": "inference"}


def show(rows: Sequence[Row], console: Console | None = None) -> None:
    """Prints what the rows share, a table per phase, what went wrong, and what it all says.

    Args:
        rows: one per case.
        console: standard output by default; 80 columns wide if that is not a terminal.
    """
    console = console or terminal.console()
    rows = paired_axes.distinct(rows)
    for line in _lines(rows, console.width, terminal.letters(console)):
        console.print(line, markup=False, highlight=False)


def _lines(rows: Sequence[Row], width: int, known: Callable[[str], str]) -> list[str | Table]:
    """Paragraphs and tables in their order; `known` gives the letters that the terminal shows."""
    lines: list[str | Table] = [known(caption(rows)), ""]
    for title, some in paired_axes.networks(rows).items():
        columns = [column for column in shown(some) if column.name != "phase"]
        for phase in paired_axes.phases(some):
            of_phase = sorted((row for row in some if row["phase"] == phase), key=lambda row: row["T"])
            if not _fits(of_phase, columns, width, known):
                columns = [column for column in columns if not column.spare]
            heading = ": ".join(filter(None, (title, _PHASES[phase])))
            lines += [known(heading), _table(of_phase, columns, width, known), ""]
    for paragraph in (notes(rows), verdict_lines(rows)):
        lines += [*(known(f"{line}.") for line in paragraph), *([""] if paragraph else [])]
    return lines[:-1]


def _table(rows: Sequence[Row], columns: Sequence[Column], width: int, known: Callable[[str], str]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    whole = _fits(rows, columns, width, known)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.right else "left"
        # A folded cell is hard to read but whole; the default would cut it off.
        no_wrap = whole and column.name != "verdict"
        table.add_column(Text(known(header(column, rows))), justify=justify, overflow="fold", no_wrap=no_wrap)
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        style = _STYLES.get(verdict(row), "red")
        cells = [
            Text(known(column.text(row)), style if column.name == "verdict" else "") for column in columns
        ]
        table.add_row(*cells, end_section=following is not None and following["T"] != row["T"])
    return table


def _fits(rows: Sequence[Row], columns: Sequence[Column], width: int, known: Callable[[str], str]) -> bool:
    """Whether a table fits into so many columns with no cell but the verdict's broken."""
    needed = 0
    for column in columns:
        texts = [*(known(column.text(row)) for row in rows), *known(header(column, rows)).split("\n")]
        pieces = [p for text in texts for p in (text.split() if column.name == "verdict" else [text])]
        needed += max(map(len, pieces)) + 2
    return needed - 2 <= width


def caption(rows: Sequence[Row]) -> str:
    """One sentence: everything that is equal in all rows."""
    return ", ".join(f"{header} {text}" for header, text in paired_axes.shared(rows).items())


def shown(rows: Sequence[Row]) -> list[Column]:
    """The columns that a table of these rows needs: axes that differ, results that are known."""
    several = paired_axes.varying(rows)
    columns = paired_axes.columns(rows)
    axes = [column for column in columns if column.name in several and column.name != "mode"]
    axes.sort(key=lambda column: {"phase": 0, "T": 1}.get(column.name, 2))
    results = [column for column in columns if Show.TABLE in column.show]
    known = [c for c in results if c.name == "label" or any(c.text(row) != UNKNOWN for row in rows)]
    return axes + known


def header(column: Column, rows: Sequence[Row]) -> str:
    """The head of a column; a ratio names its reference where all rows have the same."""
    references = {row["reference"] for row in rows}
    text = column.header.format(reference=references.pop() if len(references) == 1 else "reference")
    return f"{text} ({column.unit})" if column.unit else text


def _reason(row: Row) -> str | None:
    """Why a case has no numbers, or fewer than were meant; or what must be said of them."""
    if row["status"] != "ok":
        return f"{row['status']}: {one_line(row['message'] or 'no message')}"
    found = [str(text) for text in (row.get("unread"), row.get("said")) if text]
    return one_line("; ".join(found)) if found else None


def notes(rows: Sequence[Row]) -> list[str]:
    """Why cases have no numbers, and what must be said of others; equal texts once, with every T."""
    found: dict[tuple[str, ...], list[str]] = {}
    for setting, group in paired_axes.settings(rows).items():
        for row, reason in ((row, _reason(row)) for row in group):
            if reason is None:
                continue
            where = f" [{setting}]" if setting else ""
            found.setdefault((row["label"], row["phase"], where, reason), []).append(str(row["T"]))
    return [
        f"{label}, {_PHASES[phase]} at T = {', '.join(Ts)}{where}: {reason}"
        for (label, phase, where, reason), Ts in found.items()
    ] + [*outputs.lines(rows), *energy_columns.coarse(rows)]
