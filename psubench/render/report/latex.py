"""Tables of a report as LaTeX: booktabs, the best in bold, intervals below or beside their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from psubench.render import escape
from psubench.render.report.parts import Cell, Head, Table

WIDEST = 86
"""Letters that fit beside each other in a line of a page, in \\footnotesize."""
LONGEST = 44
"""Rows that fit below each other on a page."""
_SMALL = 0.8  # width of an interval's letters, of that of the others
_LETTERS: Mapping[str, str] = {
    "≈": r"$\approx$", "±": r"$\pm$", "µ": r"\textmu{}", "×": r"$\times$", "β": r"$\beta$", "τ": r"$\tau$",
    "σ": r"$\sigma$", "²": r"\texttwosuperior{}", "≤": r"$\leq$", "…": r"\dots{}", "–": "--",
}  # fmt: skip


def text(plain: str) -> str:
    """A text as pdflatex prints it, with the packages that the head of a file names."""
    return "".join(_LETTERS.get(letter, escape.latex(letter)) for letter in plain)


def tables(table: Table) -> str:
    """A table as floats: one, or several where it is wider or longer than a page."""
    floats = []
    for number, (heads, rows) in enumerate(_pieces(table)):
        caption = text(table.caption + ("." if number == 0 else " (continued)."))
        label = f"\\label{{tab:{table.name}}}" if number == 0 else ""
        floats.append(
            f"\\begin{{table}}\n\\caption{{{caption}}}{label}\n\\centering\\footnotesize\n"
            f"{_tabular(table, heads, rows)}\\end{{table}}\n"
        )
    return "% Needs \\usepackage{booktabs}.\n" + "\n".join(floats)


def _tabular(table: Table, heads: Sequence[Head], rows: Sequence[Sequence[Cell]]) -> str:
    align = "".join("r" if head.right else "l" for head in heads)
    lines = [f"\\begin{{tabular}}{{{align}}}", r"\toprule", _line([_head(head) for head in heads])]
    lines.append(r"\midrule")
    for number, row in enumerate(rows):
        if number and table.groups is not None and _starts(rows, number, table.groups):
            lines.append(r"\addlinespace")
        if table.stacked:
            lines.append(_line([_value(cell) for cell in row]))
            lines.append(_line([_small(cell) for cell in row]) + r"[2pt]")
        else:
            lines.append(_line([" ".join(filter(None, (_value(c), text(c.detail)))) for c in row]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _head(head: Head) -> str:
    """One line, or as many as the text has; those stand on the same base."""
    lines = [text(line) for line in head.text.split("\n")]
    if len(lines) == 1:
        return lines[0]
    return rf"\shortstack[{'r' if head.right else 'l'}]{{" + r" \\ ".join(map(_after_break, lines)) + "}"


def _line(cells: Sequence[str]) -> str:
    return _after_break(" & ".join(cells)) + r" \\"


def _after_break(latex: str) -> str:
    """What follows a line break: it would take [ or * as its own argument."""
    return "{}" + latex if latex.startswith(("[", "*")) else latex


def _value(cell: Cell) -> str:
    latex = text(re.sub(r"(?<=\d)x$", "×", cell.text))
    return f"\\textbf{{{latex}}}" if cell.best else latex


def _small(cell: Cell) -> str:
    return f"{{\\scriptsize {text(cell.detail)}}}" if cell.detail else ""


def _starts(rows: Sequence[Sequence[Cell]], number: int, column: int) -> bool:
    return rows[number][column].text != rows[number - 1][column].text


def _pieces(table: Table) -> Iterator[tuple[list[Head], list[list[Cell]]]]:
    """Columns and rows of each float; the columns that name the row are in all of them."""
    for columns in _across(table):
        heads = [table.heads[column] for column in columns]
        for rows in _down(table):
            yield heads, [[row[column] for column in columns] for row in rows]


def _across(table: Table) -> list[list[int]]:
    """Indices of the columns of each float. Only tables with a column per T are ever split."""
    every = list(range(len(table.heads)))
    if not table.stacked:
        return [every]
    names = [column for column in every if table.heads[column].names_row]
    found: list[list[int]] = [list(names)]
    for column in (column for column in every if column not in names):
        if sum(_width(table, c) for c in (*found[-1], column)) > WIDEST and found[-1] != names:
            found.append(list(names))
        found[-1].append(column)
    return found


def _width(table: Table, column: int) -> float:
    cells = [row[column] for row in table.rows]
    texts = [float(len(cell.text)) for cell in cells] + [_SMALL * len(cell.detail) for cell in cells]
    return max([*texts, float(len(table.heads[column].text))]) + 2


def _down(table: Table) -> list[list[tuple[Cell, ...]]]:
    """Rows of each float; a group of rows is not torn unless it alone is too long."""
    found: list[list[tuple[Cell, ...]]] = [[]]
    for group in _groups(table):
        if found[-1] and len(found[-1]) + len(group) > LONGEST:
            found.append([])
        for row in group:
            if len(found[-1]) >= LONGEST:
                found.append([])
            found[-1].append(row)
    return found


def _groups(table: Table) -> list[list[tuple[Cell, ...]]]:
    found: list[list[tuple[Cell, ...]]] = []
    for number, row in enumerate(table.rows):
        if number == 0 or table.groups is None or _starts(table.rows, number, table.groups):
            found.append([])
        found[-1].append(row)
    return found
