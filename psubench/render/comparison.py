"""Verdicts of `psubench compare` for a terminal, for Markdown, for programs and for GitHub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from psubench.compare.verdicts import ORDER, Comparison, Verdict
from psubench.errors import one_line
from psubench.render import escape, terminal
from psubench.render.numbers import UNKNOWN

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"slower": "red", "changed": "red", "failed": "red", "faster": "green", "same": "dim"}
_AXES = ("phase", "T", "batch", "size", "model", "data", "mode", "device", "dtype", "threads")
_ALWAYS = ("phase", "T")
_HEADS = ("change [90 %]", "verdict", "why")
_ERRORS = ("slower", "changed", "failed", "not comparable")
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


def change(verdict: Verdict) -> str:
    """`+5.2 % [+3.1, +7.3]`; above 0 the case takes longer than before."""
    if verdict.change is None:
        return UNKNOWN
    value = f"{100 * verdict.change:+.1f} %"
    if verdict.low is None or verdict.high is None:
        return value
    return f"{value} [{100 * verdict.low:+.1f}, {100 * verdict.high:+.1f}]"


def where(verdict: Verdict, axes: Sequence[str]) -> str:
    """`psu, train, T=32`: the case by what tells it from the others."""
    parts = [
        str(verdict.case[axis]) if axis == "phase" else f"{axis}={verdict.case[axis]}"
        for axis in axes
        if verdict.case.get(axis) is not None
    ]
    return ", ".join([verdict.label, *parts])


def axes(verdicts: Sequence[Verdict]) -> list[str]:
    """Fields of a case that differ between verdicts, and those that are always shown."""
    return [axis for axis in _AXES if axis in _ALWAYS or len({str(v.case.get(axis)) for v in verdicts}) > 1]


def _grid(verdicts: Sequence[Verdict]) -> tuple[list[str], list[list[str]]]:
    shown = axes(verdicts)
    rows = [
        [
            verdict.label,
            *(UNKNOWN if verdict.case.get(axis) is None else str(verdict.case[axis]) for axis in shown),
            change(verdict),
            verdict.verdict
            if verdict.gated or verdict.verdict == "same"
            else f"{verdict.verdict} (not gated)",
            one_line(verdict.reason),
        ]
        for verdict in verdicts
    ]
    return ["neuron", *shown, *_HEADS], rows


def show(comparison: Comparison, console: Console | None = None) -> None:
    """Prints the verdicts, worst first, what must be said with them, and the counts.

    Args:
        console: standard output by default.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = console or terminal.console()
    known = terminal.letters(console)
    heads, rows = _grid(comparison.verdicts)
    if len(rows) > MOST_DRAWN:
        from tabulate import tabulate

        lines = tabulate(rows, heads, tablefmt="simple", disable_numparse=True)
        console.file.write("\n".join([lines, "", *comparison.notes, headline(comparison)]) + "\n")
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head not in ("why", "verdict", "neuron"))
    for row, verdict in zip(rows, comparison.verdicts, strict=True):
        style = _STYLES.get(verdict.verdict, "yellow")
        table.add_row(
            *(
                Text(known(text), style if head == "verdict" else "")
                for head, text in zip(heads, row, strict=True)
            )
        )
    console.print(table)
    for line in ("", *comparison.notes, headline(comparison)):
        console.print(known(line), markup=False, highlight=False)


def to_markdown(comparison: Comparison, most_bytes: int | None = None) -> str:
    """The counts, what must be said with them, and a pipe table, worst first.

    Args:
        most_bytes: the mildest rows are left out, and counted, where the text would be longer.
    """
    from tabulate import tabulate

    heads, rows = _grid(comparison.verdicts)
    rows = [[escape.markdown(text) for text in row] for row in rows]
    head = "\n\n".join(
        [f"**psubench compare**: {headline(comparison)}", *map(escape.markdown, comparison.notes)]
    )
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
        text = f"{verdict.verdict}{told}: {verdict.reason}"
        lines.append(
            f"::{level} title={escape.annotation_title(where(verdict, shown))}::{escape.annotation(text)}"
        )
    if len(lines) > MOST_ANNOTATIONS:
        rest = len(lines) - (MOST_ANNOTATIONS - 1)
        lines[MOST_ANNOTATIONS - 1 :] = [f"::notice title=psubench compare::{rest} more in the step summary"]
    return lines
