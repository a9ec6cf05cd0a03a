"""Parts as a folder for a paper: PDF figures, LaTeX tables, facts for captions, a document that shows all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from psubench.render.figures import save as figure_files
from psubench.render.files import write_text
from psubench.render.report import latex
from psubench.render.report.parts import Drawing, Part, Section

NAME = "paper"
_CAPTIONS = r"""% Facts for captions: \input this file, write \psubenchfacts{name of the file}.
\newcommand{\psubenchfacts}[1]{\csname psubench:#1\endcsname}
"""
_DOCUMENT = r"""% Every figure and table: compile with pdflatex, and take what the paper needs.
\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[margin=2cm]{geometry}
\usepackage{booktabs,graphicx,textcomp}
\extrafloats{200}
\input{captions}
\begin{document}
"""
_END = "\n\\end{document}\n"


def save(parts: Sequence[Part], folder: Path) -> list[Path]:
    """Writes the folder's files; the same parts give the same bytes.

    Returns:
        The files, in order.

    Raises:
        PsubenchError: a file cannot be written.
    """
    paths, facts, shown = [], [], []
    for part in parts:
        for drawing, about in _printed(part):
            paths += figure_files.save([(drawing.name, drawing.figure)], folder, ["pdf"])
            facts.append(_facts(drawing.name, about))
            shown.append(_figure(drawing))
        for section in part.sections:
            for table in section.tables:
                paths.append(folder / f"{table.name}.tex")
                write_text(latex.tables(table), paths[-1])
                facts.append(_facts(table.name, section.facts))
                shown.append(f"\\input{{{table.name}.tex}}\n{_see(table.name)}")
    documents = {
        "captions.tex": _CAPTIONS + "".join(facts),
        "paper.tex": _DOCUMENT + "\n".join(shown) + _END,
    }
    for name, text in documents.items():
        paths.append(folder / name)
        write_text(text, paths[-1])
    return paths


def _printed(part: Part) -> list[tuple[Drawing, Mapping[str, str]]]:
    """The figures for print, each with the facts of what it shows."""

    def of(section: Section) -> list[tuple[Drawing, Mapping[str, str]]]:
        return [(drawing, section.facts) for drawing in section.paper]

    return [*((d, part.facts) for d in part.overview), *(pair for s in part.sections for pair in of(s))]


def _facts(name: str, facts: Mapping[str, str]) -> str:
    texts = "; ".join(f"{latex.text(key)}: {latex.text(value)}" for key, value in facts.items())
    return f"\\expandafter\\def\\csname psubench:{name}\\endcsname{{{texts}.}}\n"


def _figure(drawing: Drawing) -> str:
    return (
        "\\begin{figure}\n\\centering\n"
        f"\\includegraphics[width=\\linewidth]{{{drawing.name}.pdf}}\n"
        f"\\caption{{{latex.text(drawing.caption)} \\psubenchfacts{{{drawing.name}}}}}"
        f"\\label{{fig:{drawing.name}}}\n"
        "\\end{figure}\n\\clearpage"
    )


def _see(name: str) -> str:
    return f"\\noindent{{\\footnotesize Table~\\ref{{tab:{name}}}: \\psubenchfacts{{{name}}}}}\n\\clearpage"
