"""Runs of any kind for other programs (CSV, JSON) and for people (Markdown); `latex` writes those of papers.

Each format lets nothing but text through, by its function of `render.escape`, in one place.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins

from psubench.errors import PsubenchError, nearest
from psubench.render import escape
from psubench.render.grid import Grid, Sheet

if TYPE_CHECKING:
    import pandas as pd


def fields(row: type[Struct]) -> tuple[str, ...]:
    """The names that JSON has for each row, in their order; a tag is the first."""
    tag, hidden = row.__struct_config__.tag_field, getattr(row, "HIDDEN", ())
    return (*([tag] if tag else []), *(name for name in row.__struct_fields__ if name not in hidden))


def columns(row: type[Struct]) -> tuple[str, ...]:
    """The head of CSV, which is a contract: the fields of the struct but those in its `JSON_ONLY`."""
    return tuple(name for name in fields(row) if name not in getattr(row, "JSON_ONLY", ()))


def _reader(row: type[Struct], names: Sequence[str]) -> Callable[[Any], list[Any]]:
    """What gives the values of a row under these names."""
    config = row.__struct_config__
    plain = [name for name in names if name != config.tag_field]
    first = [config.tag] * (len(names) - len(plain))
    return lambda one: [*first, *(getattr(one, name) for name in plain)]


def to_csv(row: type[Struct], rows: Sequence[Any]) -> str:
    """One line per row; numbers as they were measured, unknown is empty.

    Args:
        row: the struct that names the columns.
    """
    text = io.StringIO()
    # Not by pandas, whose import takes longer than writing 10,000 rows.
    writer = csv.writer(text, lineterminator="\n")
    names = columns(row)
    values = _reader(row, names)
    writer.writerow(names)
    writer.writerows(map(escape.csv, values(one)) for one in rows)
    return text.getvalue()


def to_json(row: type[Struct], rows: Sequence[Any]) -> str:
    """A list of objects, one a line; unknown is null."""
    names = fields(row)
    values = _reader(row, names)
    # json.dumps(indent=) would leave the fast encoder.
    lines = [escape.json_text(to_builtins(dict(zip(names, values(one), strict=True)))) for one in rows]
    return "[\n" + ",\n".join(lines) + "\n]"


def to_markdown(sheet: Sheet) -> str:
    """Pipe tables, the first under the caption, then what must be said with them."""
    parts = []
    for title, grid in zip(sheet.titles(), sheet.printed, strict=True):
        frame = _frame(grid)
        align = ["right" if column.right else "left" for column in grid.columns]
        # Without disable_numparse, 0.090 would become 0.09.
        table = frame.to_markdown(index=False, disable_numparse=True, colalign=align)
        parts += [escape.markdown(title), table]
    return "\n\n".join([*parts, "\n".join(f"- {escape.markdown(n)}." for n in (*sheet.legend, *sheet.notes))])


def _frame(grid: Grid) -> pd.DataFrame:
    import pandas as pd

    made = pd.DataFrame({" ".join(head.split()): cells for _, head, cells in grid.texts()}, dtype=object)
    made.columns = [escape.markdown(head) for head in made.columns]
    return made.map(escape.markdown)


FORMATS = ("csv", "json", "markdown", "latex")


def render(
    format: str,
    row: type[Struct],
    rows: Sequence[Any],
    sheet: Callable[[], Sheet],
    others: Sequence[str] = (),
) -> str:
    """Rows or their sheet as text that ends in a line break.

    Args:
        format: of `FORMATS`, but for LaTeX, whose tables have names of their own.
        others: formats that this kind of run has beside them, which the caller writes.

    Raises:
        PsubenchError: there is no such format.
    """
    match format:
        case "csv":
            text = to_csv(row, rows)
        case "json":
            text = to_json(row, rows)
        case "markdown":
            text = to_markdown(sheet())
        case _:
            raise PsubenchError(f'unknown format "{format}"', nearest(format, (*FORMATS, *others)))
    return text.rstrip("\n") + "\n"
