"""A profile for other programs (CSV, JSON) and for papers (Markdown, LaTeX)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from psubench.errors import PsubenchError, nearest
from psubench.experiments.profile import rows as profile_rows
from psubench.experiments.profile.columns import Column, Show, shown, table, values
from psubench.experiments.profile.tables import Case, calls, caption, meaning, notes
from psubench.render import escape

if TYPE_CHECKING:
    import pandas as pd


def render(cases: Sequence[Case], format: str) -> str:
    """Cases as text that ends in a line break.

    Args:
        format: a name in `FORMATS`.

    Raises:
        PsubenchError: there is no such format.
    """
    if format not in FORMATS:
        raise PsubenchError(f'unknown format "{format}"', nearest(format, FORMATS))
    return FORMATS[format](cases).rstrip("\n") + "\n"


def to_csv(cases: Sequence[Case]) -> str:
    """One line per call, role, layer and operator; unknown is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in shown(Show.DATA)], lineterminator="\n")
    writer.writeheader()
    rows = map(values, profile_rows.rows(cases))
    writer.writerows({name: escape.csv(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def to_json(cases: Sequence[Case]) -> str:
    """A list of objects, one a line; unknown is null."""
    return "[\n" + ",\n".join(escape.json_text(values(row)) for row in profile_rows.rows(cases)) + "\n]"


def to_markdown(cases: Sequence[Case]) -> str:
    """A pipe table of all cases under its caption, then what is missing and what the numbers are."""
    columns, frame = _grid(cases)
    align = ["right" if column.right else "left" for column in columns]
    frame = frame.map(escape.markdown)
    # Without disable_numparse, 0.090 would become 0.09.
    grid = frame.to_markdown(index=False, disable_numparse=True, colalign=align)
    below = "\n".join(f"- {escape.markdown(line)}." for line in (*notes(cases), *meaning(cases)))
    return "\n\n".join(part for part in (f"{escape.markdown(caption(cases))}.", grid, below) if part)


def to_latex(cases: Sequence[Case]) -> str:
    """A table for `\\usepackage{booktabs}`; what is missing stands in comments below it."""
    columns, frame = _grid(cases)
    align = "".join("r" if column.right else "l" for column in columns)
    text = frame.map(escape.cell).to_latex(index=False, escape=True, column_format=align)
    below = "".join(f"% {escape.cell(line)}\n" for line in (f"{caption(cases)}.", *notes(cases)))
    return text.replace("µ", r"\textmu{}") + below


def _grid(cases: Sequence[Case]) -> tuple[list[Column], pd.DataFrame]:
    import pandas as pd

    found = table(calls(cases), Show.CALLS)
    texts = {" ".join(header.split()): cells for _, header, cells in found}
    return [column for column, _, _ in found], pd.DataFrame(texts, dtype=object)


FORMATS: Mapping[str, Callable[[Sequence[Case]], str]] = {
    "csv": to_csv,
    "json": to_json,
    "markdown": to_markdown,
    "latex": to_latex,
}
