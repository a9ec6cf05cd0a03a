"""LaTeX tables of a report: literal output, hostile texts, pages that are too small; and a real compiler."""

import re
import shutil
import subprocess

import pytest
from support import report_records
from support.command_line import LONGEST_SECONDS
from support.records_of import typed

from psubench.experiments.registry import parts as parts_of
from psubench.render.report import latex, paper
from psubench.render.report.parts import Cell, Head, Table

HEADS = (Head("neuron", names_row=True), Head("T = 4", right=True), Head("T = 8", right=True))


def table(rows, heads=HEADS, **changes):
    return Table("ratios", "Ratio in %", heads, tuple(rows), **{"stacked": True, **changes})


def test_a_table_is_literally_this():
    rows = [
        (Cell("lif"), Cell("60.9 µs", 1.0, "±2.5 %"), Cell("118 µs", 1.0, best=True)),
        (Cell("a_b [step]"), Cell("1.63x", 1.63, "[1.60, 1.65]", "good", "faster", True), Cell("wrong")),
    ]
    assert (
        latex.tables(table(rows))
        == r"""% Needs \usepackage{booktabs}.
\begin{table}
\caption{Ratio in \%.}\label{tab:ratios}
\centering\footnotesize
\begin{tabular}{lrr}
\toprule
neuron & T = 4 & T = 8 \\
\midrule
lif & 60.9 \textmu{}s & \textbf{118 \textmu{}s} \\
 & {\scriptsize $\pm$2.5 \%} &  \\[2pt]
a\_b [step] & \textbf{1.63$\times$} & wrong \\
 & {\scriptsize [1.60, 1.65]} &  \\[2pt]
\bottomrule
\end{tabular}
\end{table}
"""
    )


def test_intervals_stand_beside_where_rows_are_cases_and_groups_are_set_apart():
    heads = (Head("T", right=True), Head("neuron", names_row=True), Head("time\n[5 %]"))
    rows = [(Cell(T), Cell("lif"), Cell("1 s", 1.0, "[0.9]")) for T in ("4", "8")]
    text = latex.tables(table(rows, heads, stacked=False, groups=0))
    assert r"T & neuron & \shortstack[l]{time \\ {}[5 \%]} \\" in text
    assert r"4 & lif & 1 s [0.9] \\" + "\n\\addlinespace\n" + r"8 & lif & 1 s [0.9] \\" in text


def test_no_line_begins_with_what_a_line_break_would_take():
    rows = [(Cell("[x]"), Cell("1"), Cell("2")), (Cell("*"), Cell("1"), Cell("2"))]
    text = latex.tables(table(rows, stacked=False))
    assert "\n{}[x] & 1" in text
    assert "\n{}* & 1" in text


def test_a_wide_table_is_split_and_every_piece_names_its_rows():
    heads = (HEADS[0], *(Head(f"T = {T}", right=True) for T in range(40)))
    rows = [(Cell(name), *(Cell(f"{T}.00x", T, f"[{T}.00, {T}.01]") for T in range(40))) for name in "ab"]
    text = latex.tables(table(rows, heads))
    pieces = re.findall(r"\\toprule\n(.*?) \\\\\n", text)
    assert len(pieces) > 2
    assert all(piece.startswith("neuron & ") for piece in pieces)
    shown = [head for piece in pieces for head in piece.split(" & ")[1:]]
    assert shown == [f"T = {T}" for T in range(40)]
    assert text.count("(continued)") == len(pieces) - 1
    assert text.count(r"\label") == 1


def test_a_long_table_is_split_between_groups_and_loses_no_row():
    rows = [(Cell(str(T)), Cell(f"n{n}"), Cell("1")) for T in range(9) for n in range(10)]
    text = latex.tables(table(rows, stacked=False, groups=0))
    pieces = text.split(r"\midrule")[1:]
    found = [re.findall(r"^(\d+) & (n\d+) & 1", piece, re.MULTILINE) for piece in pieces]
    assert [row for piece in found for row in piece] == [(row[0].text, row[1].text) for row in rows]
    assert [len(piece) for piece in found] == [40, 40, 10]


def test_one_group_longer_than_a_page_is_split_too():
    rows = [(Cell("4"), Cell(f"n{n}"), Cell("1")) for n in range(100)]
    assert latex.tables(table(rows, stacked=False, groups=0)).count(r"\begin{table}") == 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("paper")
    paper.save(parts_of([typed(report_records.sad())]), made)
    return made


def test_the_folder_has_figures_tables_captions_and_a_document(folder):
    names = {path.name for path in folder.iterdir()}
    assert {
        "captions.tex",
        "paper.tex",
        "time.pdf",
        "ratio.pdf",
        "cases-train.tex",
        "ratios-infer.tex",
    } <= names
    captions = (folder / "captions.tex").read_text()
    for name in names - {"captions.tex", "paper.tex"}:
        assert f"\\csname psubench:{name.rpartition('.')[0]}\\endcsname{{" in captions
    for fact in (
        "data: synthetic:shd (synthetic)", "weights: untrained", "clock: scripted (fake), not a measurement",
        r"unverified: mine.py:<b>A\_1\&2\%</b>", "T: 4, 128", "batch: 32", "torch 2.13.0+cpu",
    ):  # fmt: skip
        assert captions.count(fact) == len(names) - 2, fact


def test_every_tex_file_is_ascii_and_balanced(folder):
    for path in folder.glob("*.tex"):
        text = path.read_text()
        assert text.isascii(), path.name
        bare = re.sub(r"\\[{}]", "", text)
        assert bare.count("{") == bare.count("}"), path.name


@pytest.mark.slow
def test_a_real_compiler_takes_it(folder):
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex is installed")
    if not subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False).stdout:
        pytest.skip("pdflatex has no booktabs")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Undefined control sequence" not in done.stdout
