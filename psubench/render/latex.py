"""Tables for papers: booktabs, as wide as a column or a page, longtable where they are longer than one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from psubench.render import escape
from psubench.render.column import Column
from psubench.render.grid import Grid, Sheet

COLUMN, PAGE = 3.4, 7.0
"""Inches: the usual width of a column, and of both."""
LONGEST = 40
"""Rows that fit below each other on a page."""
_POINTS = 72.27  # per inch
_SIZES = {"footnotesize": 4.6, "scriptsize": 4.1}
"""Points that a letter takes; 8 and 7 points high in a document of 10."""
_GAP = 8.0  # points between two columns
_LONG_WORD = 12  # letters
_NARROWEST = 6  # letters of a broken column
_LETTERS: Mapping[str, str] = {
    "≈": r"$\approx$", "±": r"$\pm$", "µ": r"\textmu{}", "×": r"$\times$", "β": r"$\beta$", "τ": r"$\tau$",
    "σ": r"$\sigma$", "²": r"\texttwosuperior{}", "≤": r"$\leq$", "…": r"\dots{}", "–": "--",
}  # fmt: skip
_SLACK = 2
"""Points that a wide word may take more than letters take on average."""
_WRAPPED = r">{{\raggedright\arraybackslash}}p{{{:.0f}pt}}"
_Texts = tuple[Column, list[str], list[str]]
"""Column, lines of its head, and cells."""


def text(plain: str) -> str:
    """A text as pdflatex prints it, with the packages that the head of a file names."""
    return "".join(_LETTERS.get(letter) or escape.latex(_ascii(letter)) for letter in plain)


def prose(plain: str) -> str:
    """A text of which long words, such as `vggsnn(width=0.125)`, may be broken where their parts end."""
    return " ".join(_breakable(word) if len(word) > _LONG_WORD else text(word) for word in plain.split(" "))


def _breakable(plain: str) -> str:
    return re.sub(r"(?<=[(,:/=])(?=\w)", r"\\allowbreak{}", text(plain))


def _ascii(letter: str) -> str:
    return letter if letter.isascii() else letter.encode("unicode_escape").decode()


def tables(sheet: Sheet, name: str, column: float = COLUMN) -> str:
    """The printed tables of a sheet, labelled `tab:NAME`, `tab:NAME-2`; what else must be said as comments.

    Args:
        column: inches that a column of the paper is wide.
    """
    made = []
    for number, (title, grid) in enumerate(zip(sheet.titles(*sheet.legend), sheet.printed, strict=True), 1):
        label = f"tab:{name}{f'-{number}' if number > 1 else ''}"
        made.append(_table(grid, f"\\caption{{{prose(escape.cell(title))}}}\\label{{{label}}}", column))
    packages = "longtable" if any("{longtable}" in one for one in made) else ""
    needs = f"% Needs \\usepackage{{{','.join(filter(None, ('array,booktabs', packages)))}}}.\n"
    return needs + "\n".join(made) + "".join(f"% {escape.cell(note)}\n" for note in sheet.notes)


def _table(grid: Grid, caption: str, column: float) -> str:
    texts: Sequence[_Texts] = [
        (one, head.split("\n"), [escape.cell(cell) for cell in cells]) for one, head, cells in grid.texts()
    ]
    long = len(grid.rows) > LONGEST
    texts, size, places, wide = _fitted(texts, column, long=long)
    lines = _lines(grid, texts, places)
    setting = f"\\{size}\\setlength{{\\tabcolsep}}{{{_GAP / 2:g}pt}}"
    align = "@{}" + "".join(places) + "@{}"
    if long:
        return _long(caption, setting, align, lines, len(texts))
    star = "*" * wide
    return "\n".join([
        f"\\begin{{table{star}}}", caption, f"\\centering{setting}", f"\\begin{{tabular}}{{{align}}}",
        r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule", r"\end{tabular}",
        f"\\end{{table{star}}}", "",
    ])  # fmt: skip


def _long(caption: str, setting: str, align: str, lines: Sequence[str], columns: int) -> str:
    """A table over several pages, whose head stands on each."""
    head = [r"\toprule", lines[0], r"\midrule"]
    return "\n".join([
        "% Over several pages: a document of two columns needs \\onecolumn before it.",
        f"{{{setting}\\setlength{{\\LTcapwidth}}{{\\linewidth}}", f"\\begin{{longtable}}{{{align}}}",
        caption + r" \\", *head, r"\endfirsthead", *head, r"\endhead",
        rf"\midrule \multicolumn{{{columns}}}{{r@{{}}}}{{continued}} \\", r"\endfoot", r"\bottomrule",
        r"\endlastfoot", *lines[1:], r"\end{longtable}}", "",
    ])  # fmt: skip


def _fitted(
    texts: Sequence[_Texts], column: float, *, long: bool
) -> tuple[Sequence[_Texts], str, list[str], bool]:
    """Columns, size of the letters, where cells stand, and whether the table is wider than a column.

    It is set across a column, else across a page; then the spare columns go, the letters become smaller,
    and at last the longest texts are broken.
    """
    page = PAGE if column <= PAGE / 2 else column
    without = [one for one in texts if not one[0].spare]
    tries = [(texts, "footnotesize", page), (without, "footnotesize", page), (without, "scriptsize", page)]
    for some, size, inches in tries if long else [(texts, "footnotesize", column), *tries]:
        if _points(some, size) <= inches * _POINTS:
            return some, size, _places(some), inches > column
    return without, "scriptsize", _broken(without, page), page > column


def _points(texts: Sequence[_Texts], size: str) -> float:
    return sum(map(_width, texts)) * _SIZES[size] + _GAP * (len(texts) - 1)


def _width(texts: _Texts) -> int:
    _, head, cells = texts
    return max(map(len, [*head, *cells]))


def _places(texts: Sequence[_Texts]) -> list[str]:
    return ["r" if column.right else "l" for column, _, _ in texts]


def _broken(texts: Sequence[_Texts], inches: float) -> list[str]:
    """As `_places`, where the widest columns are narrowed until all fit: those of names, else all."""
    widths = [_width(one) for one in texts]
    names = [all(" " not in cell for cell in cells) for _, _, cells in texts]
    room = (inches * _POINTS - _GAP * (len(texts) - 1)) / _SIZES["scriptsize"]
    least = [max(_NARROWEST, *map(_longest_piece, [*head, *cells])) for _, head, cells in texts]
    limits = list(widths)
    for narrowed in (names, [True] * len(texts)):
        while sum(limits) > room:
            free = [y and x > z for x, y, z in zip(limits, narrowed, least, strict=True)]
            if not any(free):
                break
            most = max(x for x, y in zip(limits, free, strict=True) if y)
            limits = [min(x, most - 1) if y else x for x, y in zip(limits, free, strict=True)]
    return [
        place if limit == width else _WRAPPED.format(limit * _SIZES["scriptsize"] + _SLACK)
        for place, limit, width in zip(_places(texts), limits, widths, strict=True)
    ]


def _longest_piece(plain: str) -> int:
    """Letters that stay together where a cell is broken."""
    return max(map(len, re.split(r"(?<=[(,:/=-])|\s", plain)))


def _lines(grid: Grid, texts: Sequence[_Texts], places: Sequence[str]) -> list[str]:
    """The head, and every row, with a little room where a group ends."""
    columns = [
        [_cell(cell, breaks=len(place) > 1) for cell in cells]
        for (_, _, cells), place in zip(texts, places, strict=True)
    ]
    heads = [
        _head([" ".join(head)] if len(place) > 1 else head, right=column.right)
        for (column, head, _), place in zip(texts, places, strict=True)
    ]
    lines = [_line(heads)]
    for row, ends in zip(zip(*columns, strict=True), grid.ends(), strict=True):
        lines += [_line(row), *[r"\addlinespace"] * ends]
    return lines


def _head(lines: Sequence[str], *, right: bool) -> str:
    """One line, or as many as the text has; those stand on the same base."""
    if len(lines) == 1:
        return text(lines[0])
    stacked = r" \\ ".join(_after_break(text(line)) for line in lines)
    return rf"\shortstack[{'r' if right else 'l'}]{{{stacked}}}"


def _line(cells: Sequence[str]) -> str:
    return _after_break(" & ".join(cells)) + r" \\"


def _after_break(latex: str) -> str:
    """What follows a line break: it would take [ or * as its own argument."""
    return "{}" + latex if latex.startswith(("[", "*")) else latex


def _cell(plain: str, *, breaks: bool) -> str:
    shown = re.sub(r"(?<=\d)x(?=$| \[)", "×", plain)
    return _breakable(shown) if breaks else text(shown)
