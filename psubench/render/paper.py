"""A folder for a paper: figures as wide as they are printed, tables, captions, a document that shows all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from psubench.render import escape, latex
from psubench.render.figures import save as figure_files
from psubench.render.files import write_text
from psubench.render.grid import Sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "paper"
_CAPTIONS = r"""% Captions of figures, and what else a caption of a table may say: \input this file.
\newcommand{\psubenchcaption}[1]{\csname psubench:#1\endcsname}
"""
_DOCUMENT = r"""% Every figure and table: compile with pdflatex, and take what the paper needs.
\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[letterpaper,textwidth=WIDTHin,textheight=9in]{geometry}
\usepackage{array,booktabs,graphicx,longtable,textcomp}
\input{captions}
\begin{document}
"""
_END = "\n\\end{document}\n"


class Printed(NamedTuple):
    """A figure for print.

    Attributes:
        name: of its file.
        caption: what is drawn, and what bars and bands mean, in sentences.
    """

    name: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class Content:
    """What a paper shows of the runs of one kind.

    Attributes:
        name: of the file of its tables.
        facts: name -> text: what was run, on which machine, with which versions.
    """

    name: str
    sheet: Sheet
    figures: Sequence[Printed]
    facts: Mapping[str, str]


def save(contents: Sequence[Content], folder: Path, width: float) -> list[Path]:
    """Writes the folder's files; the same contents give the same bytes.

    Args:
        width: of a column, in inches.

    Returns:
        The files, in order.

    Raises:
        PsubenchError: a file cannot be written.
    """
    paths, captions, shown = [], [], []
    for content in contents:
        told = "; ".join(f"{name}: {text}" for name, text in content.facts.items())
        told = f"{told[:1].upper()}{told[1:]}"
        for name, caption, figure in content.figures:
            paths += figure_files.save([(name, figure)], folder, ["pdf"])
            captions.append(_caption(name, f"{caption} {told}."))
            shown.append(_figure(name))
        paths.append(folder / f"{content.name}.tex")
        write_text(latex.tables(content.sheet, content.name, width), paths[-1])
        table = f"table-{content.name}"
        captions.append(_caption(table, f"{told}."))
        shown.append(f"\\input{{{content.name}.tex}}\n\\noindent\\psubenchcaption{{{table}}}\n\\clearpage")
    document = _DOCUMENT.replace("WIDTH", f"{max(width, latex.PAGE):g}")
    documents = {
        "captions.tex": _CAPTIONS + "".join(captions),
        "paper.tex": document + "\n".join(shown) + _END,
    }
    for name, text in documents.items():
        paths.append(folder / name)
        write_text(text, paths[-1])
    return paths


def _caption(name: str, plain: str) -> str:
    text = latex.prose(escape.cell(plain))
    return f"\\expandafter\\def\\csname psubench:{name}\\endcsname{{{text}}}\n"


def _figure(name: str) -> str:
    return (
        f"\\begin{{figure}}\n\\centering\n\\includegraphics{{{name}.pdf}}\n"
        f"\\caption{{\\psubenchcaption{{{name}}}}}\\label{{fig:{name}}}\n\\end{{figure}}"
    )
