"""Verdicts of `psubench compare` for a terminal, for Markdown, for programs and for GitHub."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psubench.compare.verdicts import ORDER, Comparison, Verdict
from psubench.errors import number_of, one_line
from psubench.render import escape, terminal
from psubench.render.numbers import UNKNOWN

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from psubench.compare.history import HistoryRow

_STYLES = {
    "slower": "red",
    "more work": "red",
    "more memory": "red",
    "changed": "red",
    "failed": "red",
    "faster": "green",
    "same": "dim",
    "same work": "dim",
    "identical": "dim",
}
_AXES = ("phase", "T", "batch", "size", "model", "data", "mode", "device", "dtype", "threads")
_ALWAYS = ("phase", "T")
_MILD = ("same", "same work", "identical")
_HEADS = ("verdict", "case", "change [90 %]", "why", "work")
_LEAST_WORK = 8
NOT_GATED = "in brackets: not gated, it cannot fail the comparison"
_ERRORS = ("slower", "more work", "more memory", "changed", "failed", "not comparable")
_WARNINGS = ("missing", "unclear")
MOST_ANNOTATIONS = 10
MOST_DRAWN = 1000
"""Rows that Rich lays out; it takes a millisecond for each, and nobody reads more on a terminal."""
MOST_BYTES = 900_000
"""Of a step summary: GitHub refuses more than 1 MiB and then shows none."""


def headline(comparison: Comparison) -> str:
    """`1 slower, 22 same; margin 3 %`: how many cases have which verdict, worst first."""
    words = [verdict.verdict for verdict in comparison.verdicts]
    counts = ", ".join(f"{words.count(word)} {word}" for word in ORDER if word in words)
    return f"{counts}; margin {100 * comparison.margin:.3g} %"


def change(verdict: Verdict | HistoryRow) -> str:
    """`+5.2 % [+3.1, +7.3]`; above 0 the case takes longer than before."""
    if verdict.change is None:
        return UNKNOWN
    value = f"{100 * verdict.change:+.1f} %"
    if verdict.low is None or verdict.high is None:
        return value
    return f"{value} [{100 * verdict.low:+.1f}, {100 * verdict.high:+.1f}]"


def where(verdict: Verdict, axes: Sequence[str], between: str = ", ") -> str:
    """`psu, train, T=32`: the case by what tells it from the others."""
    parts = [
        str(verdict.case[axis]) if axis == "phase" else f"{axis}={verdict.case[axis]}"
        for axis in axes
        if verdict.case.get(axis) is not None
    ]
    return between.join([verdict.label, *parts])


def axes(verdicts: Sequence[Verdict]) -> list[str]:
    """Fields of a case that differ between verdicts, and those that are always shown."""
    return [axis for axis in _AXES if axis in _ALWAYS or len({str(v.case.get(axis)) for v in verdicts}) > 1]


def _rows(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Those that have a line of their own; of the others `_folded` tells."""
    return [one for one in verdicts if not _is_quiet(one)]


def _is_quiet(verdict: Verdict) -> bool:
    """Whether nothing has happened; a case whose time is the same may do other work."""
    return verdict.verdict in _MILD and (verdict.verdict != "same" or not verdict.work)


def _folded(verdicts: Sequence[Verdict]) -> list[str]:
    """`identical: 24 cases of lif, psu`: a line for all cases in which nothing has happened."""
    lines = []
    for word in _MILD:
        those = [one for one in verdicts if one.verdict == word and _is_quiet(one)]
        # Of a family its cases are listed as well.
        names = dict.fromkeys(one.label.partition(", all ")[0] for one in those)
        count = sum(", all " not in one.label for one in those)
        if those:
            lines.append(f"{word}: {number_of(count, 'case')} of {', '.join(names)}")
    return lines


def _word(verdict: Verdict) -> str:
    return verdict.verdict if verdict.gated or verdict.verdict == "same" else f"({verdict.verdict})"


def _legend(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """The reasons of these verdicts, numbered as they come."""
    reasons = dict.fromkeys(one_line(verdict.reason) for verdict in verdicts)
    return {reason: number for number, reason in enumerate(reasons, start=1)}


def _below(comparison: Comparison, reasons: Mapping[str, int]) -> list[str]:
    """What stands below the table: reasons, milder verdicts, notes, and the counts last."""
    rows = _rows(comparison.verdicts)
    brackets = [NOT_GATED] if any(_word(one).startswith("(") for one in rows) else []
    told = [*(f"{number} {reason}" for reason, number in reasons.items()), *brackets]
    return [*told, *_folded(comparison.verdicts), *comparison.notes, headline(comparison)]


def show(comparison: Comparison, console: Console | None = None) -> None:
    """Prints a line per verdict, worst first, and below the reasons by their numbers, and the counts.

    Args:
        console: standard output by default.
    """
    console = console or terminal.console()
    listed, shown = _rows(comparison.verdicts), axes(comparison.verdicts)
    reasons = _legend(listed)
    rows = [
        [_word(one), where(one, shown, " "), change(one), str(reasons[one_line(one.reason)]), one.work]
        for one in listed
    ]
    below = _below(comparison, reasons)
    if len(rows) > MOST_DRAWN:
        from tabulate import tabulate

        lines = tabulate(rows, _HEADS, tablefmt="simple", disable_numparse=True)
        console.file.write("\n".join([lines, "", *below]) + "\n")
        return
    known = terminal.letters(console)
    if rows:
        console.print(_table(rows, [one.verdict for one in listed], console.width, known))
        console.print()
    for line in below:
        console.print(known(line), markup=False, highlight=False)


def _table(
    rows: Sequence[list[str]], verdicts: Sequence[str], width: int, known: Callable[[str], str]
) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    heads = _HEADS if any(row[-1] for row in rows) else _HEADS[:-1]
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head != "case")
    room = _room(rows, width)
    for row, verdict in zip(rows, verdicts, strict=True):
        work = row[-1] if len(row[-1]) <= room else row[-1][: room - 1] + "…"
        cells = [Text(known(text)) for text in [*row[:-1], work][: len(heads)]]
        cells[0].stylize(_STYLES.get(verdict, "yellow"))
        table.add_row(*cells)
    return table


def _room(rows: Sequence[Sequence[str]], width: int) -> int:
    """Letters that the other columns leave for the last one, so that every verdict has one line."""
    widths = [max(map(len, column)) for column in zip(_HEADS[:-1], *(row[:-1] for row in rows), strict=True)]
    return max(_LEAST_WORK, width - sum(widths) - 2 * len(widths))


def to_markdown(comparison: Comparison, most_bytes: int | None = None) -> str:
    """The counts, what must be said with them, and a pipe table, worst first.

    Args:
        most_bytes: the mildest rows are left out, and counted, where the text would be longer.
    """
    from tabulate import tabulate

    listed, shown = _rows(comparison.verdicts), axes(comparison.verdicts)
    rows = [
        [_word(one), where(one, shown, " "), change(one), one.work, one_line(one.reason)] for one in listed
    ]
    rows = [[escape.markdown(text) for text in row] for row in rows]
    told = [*map(escape.markdown, (*_folded(comparison.verdicts), *comparison.notes))]
    head = "\n\n".join([f"**psubench compare**: {headline(comparison)}", *told])
    if not rows:
        return f"{head}\n"
    heads = [*_HEADS[:3], "work", "why"]
    table = tabulate(rows, heads, tablefmt="pipe", disable_numparse=True).splitlines()
    last, room = len(table), (most_bytes or 0) - len(head.encode()) - 100
    if most_bytes is not None:
        while last > 2 and sum(len(line.encode()) + 1 for line in table[:last]) > room:
            last -= max(1, (last - 2) // 10)
    left_out = [f"\n{len(table) - last} milder rows are left out."] if last < len(table) else []
    return "\n".join([head, "", *table[:last], *left_out]) + "\n"


def to_json(comparison: Comparison, exit_code: int) -> str:
    """Everything, for programs; unknown is null."""
    content: dict[str, Any] = {
        "margin": comparison.margin,
        "exit_code": exit_code,
        "notes": list(comparison.notes),
        "verdicts": [
            {name: dict(value) if name == "case" else value for name, value in vars(verdict).items()}
            for verdict in comparison.verdicts
        ],
    }
    return escape.json_text(content, indent=1)


def workflow_commands(comparison: Comparison) -> list[str]:
    """GitHub workflow commands for what is wrong, worst first, at most 10; the last counts the others."""
    shown = axes(comparison.verdicts)
    bad = [v for v in comparison.verdicts if v.gated and v.verdict in (*_ERRORS, *_WARNINGS)]
    lines = []
    for verdict in bad:
        level = "error" if verdict.verdict in _ERRORS else "warning"
        told = f" {change(verdict)}" if verdict.change is not None else ""
        work = f"; work: {verdict.work}" if verdict.work else ""
        text = f"{verdict.verdict}{told}: {verdict.reason}{work}"
        lines.append(
            f"::{level} title={escape.annotation_title(where(verdict, shown))}::{escape.annotation(text)}"
        )
    if len(lines) > MOST_ANNOTATIONS:
        rest = len(lines) - (MOST_ANNOTATIONS - 1)
        lines[MOST_ANNOTATIONS - 1 :] = [f"::notice title=psubench compare::{rest} more in the step summary"]
    return lines
