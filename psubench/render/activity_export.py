"""A sparsity run for other programs (CSV, JSON) and for papers (Markdown, LaTeX)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from psubench.errors import PsubenchError, nearest
from psubench.experiments.sparsity.columns import COLUMNS, Column, Show, shown
from psubench.experiments.sparsity.rows import flat
from psubench.experiments.sparsity.tables import LEGEND, Case, caption, estimates, notes
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
    """One line per layer and total; totals over all samples, unknown is empty."""
    columns = [column for column in COLUMNS if Show.CSV in column.show]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows([escape.csv(column.value(row)) for column in columns] for row in flat(cases))
    return text.getvalue()


def to_json(cases: Sequence[Case]) -> str:
    """A list of objects, one a line; unknown is null."""
    columns = [column for column in COLUMNS if Show.JSON in column.show]
    lines = [escape.json_text({column.name: column.value(row) for column in columns}) for row in flat(cases)]
    return "[\n" + ",\n".join(lines) + "\n]"


def to_markdown(cases: Sequence[Case]) -> str:
    """A pipe table of all layers under its caption, then what the numbers are, and what is missing."""
    columns, frame = _grid(cases)
    frame = frame.map(escape.markdown)
    align = ["right" if column.right else "left" for column in columns]
    # Without disable_numparse, 0.090 would become 0.09.
    grid = frame.to_markdown(index=False, disable_numparse=True, colalign=align)
    below = "\n".join(f"- {escape.markdown(line)}." for line in (LEGEND, *estimates(cases), *notes(cases)))
    return "\n\n".join(part for part in (f"{escape.markdown(caption(cases))}.", grid, below) if part)


def to_latex(cases: Sequence[Case]) -> str:
    """A table of all layers for `\\usepackage{booktabs}`; what is missing stands in comments below it."""
    columns, frame = _grid(cases)
    align = "".join("r" if column.right else "l" for column in columns)
    told = escape.latex(escape.cell(". ".join((caption(cases), LEGEND, *estimates(cases))))) + "."
    text = frame.map(escape.cell).to_latex(index=False, escape=True, column_format=align, caption=told)
    for letter, command in {"µ": r"\textmu{}", "β": r"$\beta$"}.items():
        text = text.replace(letter, command)
    return text + "".join(f"% {escape.cell(note)}\n" for note in notes(cases))


def _grid(cases: Sequence[Case]) -> tuple[list[Column], pd.DataFrame]:
    import pandas as pd

    rows = flat(cases)
    columns = shown(rows, Show.PAPER)
    texts = {}
    for column in columns:
        header, cells = column.cells(rows)
        texts[" ".join(header.split())] = cells
    return columns, pd.DataFrame(texts, dtype=object)


FORMATS: Mapping[str, Callable[[Sequence[Case]], str]] = {
    "csv": to_csv,
    "json": to_json,
    "markdown": to_markdown,
    "latex": to_latex,
}
