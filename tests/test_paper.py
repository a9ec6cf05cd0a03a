"""`psubench paper`: figures at their printed width, tables that fit, captions; and a real compiler."""

import re
import shutil
import subprocess

import pytest
from matplotlib.text import Text
from support import render_rows, report_records
from support.command_line import LONGEST_SECONDS, here
from support.places import ROOT
from support.records_of import typed

from psubench.experiments.papers import contents
from psubench.experiments.registry import KINDS
from psubench.experiments.written import renamed, written
from psubench.neurons import TABLE
from psubench.render import latex, paper
from psubench.render.column import Column, plain
from psubench.render.grid import Grid, Sheet

WIDTH = 3.4


class Row:
    """A row of a table that is made by hand."""

    def __init__(self, **fields):
        vars(self).update(fields)


def sheet(rows, names=("neuron", "T", "time"), **changes):
    columns = [Column(name, name.replace("_", "\n"), plain(name), **changes.pop(name, {})) for name in names]
    return Sheet("Time in %", [], [Grid("", columns, rows, **changes)], ("x: y",), ("a note",))


def test_a_table_is_literally_this():
    rows = [Row(neuron="lif", T=4, time="60.9 µs ±2 %"), Row(neuron="a_b", T=8, time="1.6x [1.5, 1.7]")]
    assert (
        latex.tables(sheet(rows, T={"right": True}, group="T"), "speed")
        == r"""% Needs \usepackage{array,booktabs}.
\begin{table}
\caption{Time in \%. x: y.}\label{tab:speed}
\centering\footnotesize\setlength{\tabcolsep}{4pt}
\begin{tabular}{@{}lrl@{}}
\toprule
neuron & T & time \\
\midrule
lif & 4 & 60.9 \textmu{}s $\pm$2 \% \\
\addlinespace
a\_b & 8 & 1.6$\times$ [1.5, 1.7] \\
\bottomrule
\end{tabular}
\end{table}
% a note
"""
    )


def test_no_line_begins_with_what_a_line_break_would_take():
    text = latex.tables(sheet([Row(neuron="[x]", a_b="1"), Row(neuron="*", a_b="2")], ("neuron", "a_b")), "t")
    assert "\n{}[x] & 1" in text
    assert "\n{}* & 2" in text
    assert r"neuron & \shortstack[l]{a \\ b} \\" in text


@pytest.mark.parametrize(
    ("letters", "rows", "begins", "size"),
    [
        (10, 2, r"\begin{table}", "footnotesize"),
        (60, 2, r"\begin{table*}", "footnotesize"),
        (110, 2, r"\begin{table*}", "scriptsize"),
        (10, 41, r"\begin{longtable}", "footnotesize"),
    ],
)
def test_a_table_is_as_wide_as_a_column_or_a_page_or_goes_over_several(letters, rows, begins, size):
    made = [Row(neuron="x" * letters, T=number) for number in range(rows)]
    text = latex.tables(sheet(made, ("neuron", "T")), "t")
    assert begins in text
    assert rf"\{size}" in text
    assert text.count("x" * letters) == rows
    assert ("longtable" in text.splitlines()[0]) is ("longtable" in begins)


def test_spare_columns_go_before_anything_is_broken_and_long_names_break_where_their_parts_end():
    rows = [Row(neuron="mine.py:Long(" + "alpha=1,beta=2," * 9 + ")", T=4, spare="s" * 40)]
    text = latex.tables(sheet(rows, ("neuron", "T", "spare"), spare={"spare": True}), "t")
    assert "sss" not in text
    assert r">{\raggedright\arraybackslash}p{" in text
    assert r",\allowbreak{}alpha=\allowbreak{}1" in text


def test_a_one_column_paper_is_as_wide_as_its_column():
    rows = [Row(neuron="x" * 80, T=4)]
    assert r"\begin{table*}" in latex.tables(sheet(rows, ("neuron", "T")), "t")
    assert r"\begin{table*}" not in latex.tables(sheet(rows, ("neuron", "T")), "t", 5.5)


def test_letters_that_pdflatex_does_not_know_become_escapes():
    assert latex.text("中 é µ") == r"\textbackslash{}u4e2d \textbackslash{}xe9 \textmu{}"


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("psu", "PSU"), ("psu@scan", "PSU (scan)"), ("lif [step]", "LIF [step]"), ("PSU", "PSU"),
        ("ipsu(tau=4)@fused", "IPSU(tau=4) (fused)"), ("masked-psn", "masked PSN"),
        ("relu [ann]", "ReLU [ann]"),
        ("mine.py:psu", "mine.py:psu"), ("psunami", "psunami"), ("psu:x", "psu:x"), ("", ""),
    ],
)  # fmt: skip
def test_neurons_are_written_as_papers_write_them(label, name):
    assert written(label) == name


def test_no_two_neurons_are_written_alike():
    assert len({written(name) for name in TABLE}) == len(TABLE)


@pytest.fixture(scope="module")
def every():
    return contents([typed(run) for run in report_records.every_kind()], written, WIDTH)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, every):
    made = tmp_path_factory.mktemp("paper")
    paper.save(every[0], made, WIDTH)
    return made


def test_the_folder_has_figures_tables_captions_and_a_document(folder, every):
    assert sorted(path.name for path in folder.iterdir()) == [
        *("accuracy.pdf", "accuracy.tex", "captions.tex", "energy.tex", "figure4.pdf", "figure5.pdf"),
        *("paper.tex", "profile.tex", "sparsity.tex", "speed.tex"),
    ]
    assert every[1] == []
    captions = (folder / "captions.tex").read_text()
    for name in ("figure4", "figure5", "accuracy", "table-speed", "table-profile"):
        assert f"\\csname psubench:{name}\\endcsname{{" in captions
    for fact in (
        "t\\_LIF / t\\_neuron", "reference: LIF", "data: spoken-digits", "torch 2.13.0+cpu",
        "UNTRAINED weights",
        "bars: 95 \\% interval", "failed: oom", "bars: standard deviation", "LIF on shd: interrupted",
    ):  # fmt: skip
        assert fact in captions, fact


def test_figures_have_their_printed_width_no_letter_below_7_points_and_no_settings(folder, every):
    for figure in (figure for content in every[0] for figure in content.figures):
        size = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+)", (folder / f"{figure.name}.pdf").read_bytes())
        assert float(size[1]) == pytest.approx(72 * WIDTH)
        texts = [one for one in figure.figure.findobj(Text) if one.get_text().strip()]
        assert min(text.get_fontsize() for text in texts) >= 7
        shown = " ".join(text.get_text() for text in texts)
        assert {"LIF", "PSU"} & set(re.findall(r"\w+", shown))
        assert not re.search(r"\b(batch|device|threads|dtype|lif|psu)\b", shown), shown


def test_the_labels_of_the_command_line_stay_where_they_are_asked_for():
    (speed,), missing = contents([typed(report_records.small())], str, WIDTH)
    assert "reference lif" in speed.sheet.caption
    assert missing == [
        "figure5 (no run of psubench sparsity is given)",
        "accuracy (no run of psubench train or accuracy is given)",
    ]


def test_a_run_without_ratios_says_why_there_is_no_figure():
    run = report_records.small()
    run = [one for one in run if one["type"] != "block"]
    (speed,), missing = contents([typed(run)], written, WIDTH)
    assert speed.figures == []
    assert missing[0] == "figure4 (no run of psubench speed holds a time ratio)"


def test_a_fake_clock_and_what_is_missing_stand_in_the_caption():
    (speed,), _ = contents([typed(report_records.sad())], written, WIDTH)
    caption = speed.figures[0].caption
    assert "the clock is scripted (fake): this is not a measurement" in caption
    assert "PSN, training, T=4,128: wrong" in caption


def test_export_gives_the_same_tables(folder):
    found = KINDS["speed"].of([typed(report_records.good())])
    assert KINDS["speed"].export(found, "latex") == (folder / "speed.tex").read_text()


def test_every_kind_of_row_takes_another_name():
    rows = renamed(render_rows.rows()[:3], written)
    assert [(row.label, row.reference) for row in rows] == [("LIF", "LIF"), ("PSN", "LIF"), ("PSU", "LIF")]


def test_every_tex_file_is_ascii_and_balanced(folder):
    for path in folder.glob("*.tex"):
        text = re.sub(r"(?m)^%.*$", "", path.read_text())
        assert text.isascii(), path.name
        bare = re.sub(r"\\[{}]", "", text)
        assert bare.count("{") == bare.count("}"), path.name


@pytest.mark.slow
def test_the_same_records_give_the_same_bytes(tmp_path, folder):
    made, _ = contents([typed(run) for run in report_records.every_kind()], written, WIDTH)
    for path in paper.save(made, tmp_path, WIDTH):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


@pytest.mark.slow
@pytest.mark.parametrize("width", ["3.4", "5.5"])
def test_pdflatex_takes_the_committed_runs_without_an_overfull_box(tmp_path, width):
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex is installed")
    for style in ("booktabs.sty", "longtable.sty"):
        if not subprocess.run(["kpsewhich", style], capture_output=True, check=False).stdout:
            pytest.skip(f"pdflatex has no {style}")
    names = ("example", "example-networks", "example-sparsity", "example-accuracy")
    runs = [str(ROOT / "reports" / name) for name in names]
    assert here("paper", *runs, "--width", width, "--out", str(tmp_path)).returncode == 0
    for _ in range(3):  # longtable finds its widths
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
            cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Too wide" not in done.stdout
    assert "Undefined control sequence" not in done.stdout
    assert int(re.search(r"\((\d+) pages", done.stdout)[1]) < 20
