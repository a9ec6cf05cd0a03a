"""Rows for other programs (CSV, JSON) and for papers (Markdown, LaTeX)."""

from __future__ import annotations

import csv
import io
import json
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from psubench.errors import PsubenchError, nearest
from psubench.render import groups, table, trackers
from psubench.render.columns import Column, Row, Show, unit_of

if TYPE_CHECKING:
    import pandas as pd


def render(rows: Sequence[Row], format: str) -> str:
    """Rows as text that ends in a line break.

    Args:
        rows: one per case.
        format: a name in `FORMATS`.

    Raises:
        PsubenchError: there is no such format.
    """
    if format not in FORMATS:
        raise PsubenchError(f'unknown format "{format}"', nearest(format, FORMATS))
    return FORMATS[format](rows).rstrip("\n") + "\n"


def to_csv(rows: Sequence[Row]) -> str:
    """One line per row, the columns of `speed.csv` or `energy.csv`; floats as measured, unknown is empty."""
    columns = [column for column in groups.columns(rows) if Show.CSV in column.show]
    text = io.StringIO()
    # Not by pandas, whose import takes longer than writing 10,000 rows.
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows([column.value(row) for column in columns] for row in rows)
    return text.getvalue()


def to_json(rows: Sequence[Row]) -> str:
    """A list of objects, one a line; unknown is null."""
    columns = [column for column in groups.columns(rows) if Show.JSON in column.show]
    # json.dumps(indent=) would leave the fast encoder.
    encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode
    lines = [encode({column.name: column.value(row) for column in columns}) for row in rows]
    return "[\n" + ",\n".join(lines) + "\n]"


def to_markdown(rows: Sequence[Row]) -> str:
    """A pipe table under its caption, then what has no numbers and why."""
    columns, frame = _grid(rows)
    frame = frame.map(lambda text: text.replace("|", "\\|"))
    frame.columns = [head.replace("|", "\\|") for head in frame.columns]
    align = ["right" if column.right else "left" for column in columns]
    # Without disable_numparse, 0.090 would become 0.09.
    grid = frame.to_markdown(index=False, disable_numparse=True, colalign=align)
    bad = "\n".join(f"- {note}" for note in table.notes(groups.distinct(rows)))
    return "\n\n".join(part for part in (f"{table.caption(rows)}.", grid, bad) if part)


def to_latex(rows: Sequence[Row]) -> str:
    """A table for `\\usepackage{booktabs}`; what has no numbers and why stands in comments below it."""
    columns, frame = _grid(rows)
    align = "".join("r" if column.right else "l" for column in columns)
    text = frame.to_latex(
        index=False, escape=True, column_format=align, caption=latex_escape(table.caption(rows)) + "."
    )
    bad = "".join(f"% {' '.join(note.split())}\n" for note in table.notes(groups.distinct(rows)))
    for letter, command in {"≈": r"$\approx$", "±": r"$\pm$", "µ": r"\textmu{}"}.items():
        text = text.replace(letter, command)
    return text + bad


def latex_escape(text: str) -> str:
    """A text as LaTeX prints it."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


_LATEX: Mapping[str, str] = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _grid(rows: Sequence[Row]) -> tuple[list[Column], pd.DataFrame]:
    """The texts of a table whose times have one unit, which the header names."""
    import pandas as pd

    rows = groups.distinct(rows)
    columns = table.shown(rows)
    times = [row["median_s"] for row in rows if row["median_s"] is not None]
    unit = unit_of(statistics.median(times)) if times else "s"
    texts = {}
    for column in columns:
        head = " ".join(table.header(column, rows).split())
        if column.text_in is None:
            texts[head] = [column.text(row) for row in rows]
        else:
            texts[f"{head} ({unit})"] = [column.text_in(row, unit) for row in rows]
    return columns, pd.DataFrame(texts, dtype=object)


FORMATS: Mapping[str, Callable[[Sequence[Row]], str]] = {
    "csv": to_csv,
    "json": to_json,
    "markdown": to_markdown,
    "latex": to_latex,
    "github-action-benchmark": trackers.to_github_action_benchmark,
    "bencher": trackers.to_bencher,
}


def write(rows: Sequence[Row], path: Path) -> None:
    """The rows as CSV in a file."""
    write_text(render(rows, "csv"), path)


def write_text(text: str, path: Path) -> None:
    """Writes a file that is whole or not there."""
    write_bytes(text.encode(), path)


def write_bytes(data: bytes, path: Path) -> None:
    """Writes a file that is whole or not there; what stood there before stays until then.

    Raises:
        PsubenchError: the file cannot be written.
    """
    unfinished = path.parent / f".{path.name}.{os.getpid()}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(data)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise PsubenchError(
            f"cannot write {path}: {error.strerror}", "give another place with --out"
        ) from None
