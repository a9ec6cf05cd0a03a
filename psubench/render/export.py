"""Rows for other programs (CSV, JSON) and for papers (Markdown, LaTeX)."""

from __future__ import annotations

import csv
import io
import os
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from psubench.errors import PsubenchError, nearest
from psubench.experiments.paired import axes, tables
from psubench.experiments.paired.columns import Column, Row, Show, unit_of
from psubench.experiments.speed import tracking_services
from psubench.render import escape

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
    columns = [column for column in axes.columns(rows) if Show.CSV in column.show]
    text = io.StringIO()
    # Not by pandas, whose import takes longer than writing 10,000 rows.
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows([escape.csv(column.value(row)) for column in columns] for row in rows)
    return text.getvalue()


def to_json(rows: Sequence[Row]) -> str:
    """A list of objects, one a line; unknown is null."""
    columns = [column for column in axes.columns(rows) if Show.JSON in column.show]
    # json.dumps(indent=) would leave the fast encoder.
    lines = [escape.json_text({column.name: column.value(row) for column in columns}) for row in rows]
    return "[\n" + ",\n".join(lines) + "\n]"


def to_markdown(rows: Sequence[Row]) -> str:
    """A pipe table under its caption, then what has no numbers and why."""
    columns, frame = _grid(rows)
    frame = frame.map(escape.markdown)
    frame.columns = [escape.markdown(head) for head in frame.columns]
    align = ["right" if column.right else "left" for column in columns]
    # Without disable_numparse, 0.090 would become 0.09.
    grid = frame.to_markdown(index=False, disable_numparse=True, colalign=align)
    bad = "\n".join(f"- {escape.markdown(note)}" for note in tables.notes(axes.distinct(rows)))
    return "\n\n".join(part for part in (f"{escape.markdown(tables.caption(rows))}.", grid, bad) if part)


def to_latex(rows: Sequence[Row]) -> str:
    """A table for `\\usepackage{booktabs}`; what has no numbers and why stands in comments below it."""
    columns, frame = _grid(rows)
    align = "".join("r" if column.right else "l" for column in columns)
    caption = escape.latex(escape.cell(tables.caption(rows))) + "."
    text = (
        frame.map(escape.cell)
        .rename(columns=escape.cell)
        .to_latex(index=False, escape=True, column_format=align, caption=caption)
    )
    bad = "".join(f"% {escape.cell(note)}\n" for note in tables.notes(axes.distinct(rows)))
    for letter, command in {"≈": r"$\approx$", "±": r"$\pm$", "µ": r"\textmu{}"}.items():
        text = text.replace(letter, command)
    return text + bad


def _grid(rows: Sequence[Row]) -> tuple[list[Column], pd.DataFrame]:
    """The texts of a table whose times have one unit, which the header names."""
    import pandas as pd

    rows = axes.distinct(rows)
    columns = tables.shown(rows)
    times = [row["median_s"] for row in rows if row["median_s"] is not None]
    unit = unit_of(statistics.median(times)) if times else "s"
    texts = {}
    for column in columns:
        head = " ".join(tables.header(column, rows).split())
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
    "github-action-benchmark": tracking_services.to_github_action_benchmark,
    "bencher": tracking_services.to_bencher,
}


def write(rows: Sequence[Row], path: Path) -> None:
    """The rows as CSV in a file."""
    write_text(render(rows, "csv"), path)


def write_text(text: str, path: Path) -> None:
    """Writes a file, in UTF-8, that is whole or not there."""
    # Names of files may hold bytes that are no text: an escape stands for each.
    write_bytes(text.encode(errors="backslashreplace"), path)


def write_bytes(data: bytes, path: Path) -> None:
    """Writes a file that is whole or not there; what stood there before stays until then.

    A link in its place is replaced, and what it leads to is left alone. What is no file, such as
    `/dev/stdout`, is written to.

    Raises:
        PsubenchError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(data, path)
    except OSError as error:
        raise PsubenchError(
            f"cannot write {path}: {error.strerror}", "give another place with --out"
        ) from None


def _replace(data: bytes, path: Path) -> None:
    # Under a name that nobody can have guessed: a link that lies there already would be written through.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    unfinished = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(descriptor, 0o666 & ~_umask())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
