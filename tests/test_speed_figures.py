"""Figures: what is drawn is what the rows say; the same rows give the same bytes."""

import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib import get_cachedir
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.container import ErrorbarContainer
from matplotlib.text import Text
from msgspec.structs import replace
from support import render_rows
from support.command_line import PROGRAM
from support.figures import drawn, panel
from support.places import EXAMPLE

from psubench.experiments.speed import figures as speed_figures
from psubench.neurons.table import TABLE
from psubench.render.figures import save
from psubench.render.figures.styles import styles


def of_phase(phase, *, reference=False):
    return [r for r in render_rows.rows() if r.phase == phase and r.is_reference == reference]


def words(figure):
    return " ".join(text.get_text() for text in figure.texts) + figure.get_supxlabel()


@pytest.mark.parametrize(("phase", "title"), [("train", "training"), ("infer", "inference")])
def test_every_bar_ends_at_its_ratio_and_bad_cases_have_none(phase, title):
    axes = panel(drawn("ratio", render_rows.rows()), title)
    rows = of_phase(phase)
    ends = sorted(bar.get_y() + bar.get_height() for bar in axes.patches)
    assert ends == pytest.approx(sorted(row.ratio for row in rows if row.status == "ok"))
    assert {bar.get_y() for bar in axes.patches} == {1}
    assert sorted(text.get_text() for text in axes.texts) == (
        ["timeout", "wrong"] if phase == "train" else []
    )


def test_bars_stand_over_their_T_in_the_neurons_colour():
    axes = panel(drawn("ratio", render_rows.rows()), "inference")
    looks = styles(render_rows.LABELS)
    by_end = {round(bar.get_y() + bar.get_height(), 9): bar for bar in axes.patches}
    for row in of_phase("infer"):
        bar = by_end[round(row.ratio, 9)]
        centre = bar.get_x() + bar.get_width() / 2
        assert axes.get_xticklabels()[round(centre)].get_text() == str(row.T)
        assert bar.get_facecolor()[:3] == pytest.approx(to_rgb(looks[row.label].color))


def test_error_bars_are_the_interval():
    axes = panel(drawn("ratio", render_rows.rows()), "inference")
    ends = set()
    for container in axes.containers:
        if isinstance(container, ErrorbarContainer):
            (segment,) = container.lines[2][0].get_segments()
            ends.add(tuple(round(y, 6) for _, y in segment))
    assert ends == {(round(r.ratio_low, 6), round(r.ratio_high, 6)) for r in of_phase("infer")}


def test_the_grey_band_is_the_noise_floor_of_each_T():
    axes = panel(drawn("ratio", render_rows.rows()), "training")
    bands = [c.get_paths()[0].get_extents() for c in axes.collections if isinstance(c, PolyCollection)]
    floors = [row.noise_floor for row in of_phase("train", reference=True)]
    assert [band.ymax for band in bands] == pytest.approx([1 + floor for floor in floors])
    assert [band.ymin for band in bands] == pytest.approx([1 / (1 + floor) for floor in floors])
    assert [round((band.xmin + band.xmax) / 2) for band in bands] == list(range(6))


def test_the_axis_names_the_reference_and_the_footer_the_machine():
    figure = drawn("ratio", render_rows.rows(reference="plif"))
    assert "t_plif / t_neuron (> 1: faster)" in figure.axes[0].get_ylabel()
    for fact in ("device cpu", "dtype float32", "batch 32", "size 512", "threads 1", "data spoken-digits"):
        assert fact in words(figure)
    assert "scripted" not in words(figure)


def test_a_fake_clock_is_never_shown_as_a_measurement():
    for name in ("time", "ratio"):
        text = words(drawn(name, render_rows.rows(device="scripted")))
        assert "scripted (fake clock), not a measurement" in text


def test_the_time_figure_holds_time_per_step_and_gaps():
    axes = panel(drawn("time", render_rows.rows()), "training")
    lines = {c.get_label(): c.lines[0] for c in axes.containers}
    assert list(lines) == list(render_rows.LABELS)
    for label, line in lines.items():
        rows = [row for row in render_rows.rows() if (row.label, row.phase) == (label, "train")]
        expected = [float("nan") if row.median_s is None else row.median_s / row.T for row in rows]
        assert list(line.get_ydata()) == pytest.approx(expected, nan_ok=True)
        assert list(line.get_xdata()) == list(render_rows.TS)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [str(T) for T in render_rows.TS]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_unverified_neurons_are_marked_in_the_legend():
    for name in ("time", "ratio"):
        figure = drawn(name, render_rows.rows())
        names = [text.get_text() for text in figure.legends[0].get_texts()]
        assert [name for name in names if "unverified" in name] == ["mine (unverified)"]


def test_one_set_of_figures_per_batch():
    rows = render_rows.rows() + [replace(row, batch=64, key=row.key + "64") for row in render_rows.rows()]
    names = [name for name, _ in speed_figures.figures(rows)]
    assert names == [f"{kind}-batch{B}" for B in (32, 64) for kind in ("time", "ratio", "implementations")]


def test_names_of_files_are_safe():
    rows = render_rows.rows(device="cuda:0")
    rows += [replace(row, device="a/b", key=row.key + "b") for row in rows]
    assert {name for name, _ in speed_figures.figures(rows)} == {
        f"{kind}-device{device}"
        for kind in ("time", "ratio", "implementations")
        for device in ("cuda-0", "a-b")
    }


def test_a_phase_without_times_and_a_single_T_are_drawn(tmp_path):
    rows = [row for row in render_rows.rows() if row.T == 128]
    rows = [replace(r, median_s=None, ratio=None, status="oom") if r.phase == "train" else r for r in rows]
    figures = speed_figures.figures(rows)
    training, inference = dict(figures)["ratio"].axes
    assert [text.get_text() for text in training.texts] == ["oom"] * 4
    assert [text.get_text() for text in inference.texts] == []
    save.save(figures, tmp_path, ["png"])


def test_nothing_measured_gives_no_figure():
    assert (
        speed_figures.figures(
            [replace(r, median_s=None, ratio=None, status="failed") for r in render_rows.rows()]
        )
        == []
    )
    only_reference = [row for row in render_rows.rows() if row.is_reference]
    assert [name for name, _ in speed_figures.figures(only_reference)] == ["time"]


def test_nothing_is_clipped_and_the_legend_is_not_over_the_data():
    for _, figure in speed_figures.figures(render_rows.rows()):
        figure.draw_without_rendering()
        legend = figure.legends[0].get_window_extent()
        for axes in figure.axes:
            assert not legend.overlaps(axes.get_window_extent())
            for text in [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]:
                box = text.get_window_extent()
                assert box.x0 >= 0
                assert box.y0 >= 0
                assert box.x1 <= figure.bbox.width
                assert box.y1 <= figure.bbox.height
                assert not legend.overlaps(box)


def test_tick_labels_of_many_T_do_not_overlap():
    rows = []
    for T in range(4, 129, 4):
        rows += [replace(r, T=T, key=f"{r.key}{T}") for r in render_rows.rows()[:2]]
    for _, figure in speed_figures.figures(rows):
        figure.draw_without_rendering()
        for axes in figure.axes:
            labels = [label for label in axes.get_xticklabels() if label.get_text()]
            boxes = [label.get_window_extent() for label in labels]
            assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
            assert labels[-1].get_text() == "128"


def test_the_same_rows_give_the_same_bytes(tmp_path):
    formats = ["svg", "pdf", "png"]
    rows = [row for row in render_rows.rows() if row.T > 32 and row.phase == "train"]
    first = save.save(speed_figures.figures(rows), tmp_path / "a", formats)
    second = save.save(speed_figures.figures(rows), tmp_path / "b", formats)
    names = ("time", "ratio", "implementations")
    assert [path.name for path in first] == [f"{n}.{f}" for n in names for f in formats]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    pdf = (tmp_path / "a" / "ratio.pdf").read_bytes()
    assert b"CreationDate" not in pdf
    assert b"/Type3" not in pdf.replace(b" ", b"")
    assert b"/CIDFontType2" in pdf or b"/TrueType" in pdf
    svg = (tmp_path / "a" / "time.svg").read_text()
    assert not re.search(r"<dc:date>", svg)
    if shutil.which("pdffonts"):
        fonts = subprocess.run(
            ["pdffonts", tmp_path / "a" / "ratio.pdf"], capture_output=True, text=True, check=True
        )
        assert "Type 3" not in fonts.stdout


def test_every_built_in_neuron_has_its_own_look():
    looks = styles(TABLE)
    assert len(set(looks.values())) == len(TABLE)
    assert not any(look.hollow for look in looks.values())
    assert len({look.marker for look in looks.values()}) == len(TABLE)
    marked = styles(["ilif [counts]", "relu [ann, analog]", "lif [step]"])
    assert (marked["ilif [counts]"], marked["relu [ann, analog]"]) == (looks["ilif"], looks["relu"])
    assert marked["lif [step]"] != looks["lif"]


def test_a_look_does_not_depend_on_who_else_is_there():
    alone, among = styles(["psu@scan"]), styles([*TABLE, "psu@scan"])
    assert alone["psu@scan"] == among["psu@scan"]
    assert among["psu@scan"].color == among["psu"].color
    assert among["psu@scan"] != among["psu"]


def test_up_to_eight_strangers_are_told_apart():
    strangers = [f"stranger{i}" for i in range(8)]
    looks = styles(strangers)
    assert len({look.marker for look in looks.values()}) == 8
    assert len({look.hatch for look in looks.values()}) == 8
    assert len(styles([*strangers, "ninth"])) == 9


LABELS = ("u$\\frac$", "_under", "^hat~", "{br}", "$x_{", "a\x00b\x1b[2J", "%d \\alpha & #1")


@pytest.fixture(scope="module")
def times_and_ratios():
    """Two figures as SVG, with the settings that the tests run with."""
    return encoded_figures()


def encoded_figures():
    return [save.encoded(figure, "svg") for _, figure in speed_figures.figures(render_rows.rows())[:2]]


def labelled():
    """The rows with the names of neurons that others would take for commands."""
    return [
        replace(row, label=f"{row.label}{LABELS[number % len(LABELS)]}")
        for number, row in enumerate(render_rows.rows())
    ]


def test_labels_are_written_as_they_are():
    for _, figure in speed_figures.figures(labelled()):
        text = save.encoded(figure, "svg").decode()
        assert text
        assert not any(one.get_parse_math() for one in figure.findobj(Text))
    shown = {
        one.get_text() for _, figure in speed_figures.figures(labelled()) for one in figure.findobj(Text)
    }
    assert any("$\\frac$" in one for one in shown)


@pytest.mark.parametrize(
    "settings",
    [
        {"figure.facecolor": "black", "axes.facecolor": "black", "text.color": "white"},
        {"text.usetex": True},
        {"axes.formatter.use_mathtext": True, "font.size": 40, "savefig.dpi": 10, "lines.linewidth": 9},
        {"axes.prop_cycle": "cycler(color=['white'])", "legend.loc": "lower left", "axes.grid": True},
    ],
)
def test_figures_are_the_same_whatever_the_user_has_set(settings, times_and_ratios):
    import matplotlib

    with matplotlib.rc_context(settings):
        assert encoded_figures() == times_and_ratios


def test_a_figure_that_breaks_is_one_line_and_costs_nothing_else(tmp_path, capsys):
    def broken():
        raise RuntimeError("no\nlayout\x1b[2J")

    assert save.save_beside(broken, tmp_path) is False
    told = capsys.readouterr().err
    assert told.startswith("no figures: RuntimeError: no layout\\x1b[2J; psubench plot ")
    assert told.count("\n") == 1


@pytest.mark.slow
def test_files_of_the_user_that_matplotlib_cannot_read_cost_no_table(tmp_path):
    """The table first; matplotlib itself reads the file when it is imported."""
    (tmp_path / "matplotlibrc").write_bytes(b"text.usetex: True\n\xff\xfe\n")
    shutil.copy(EXAMPLE / "run.jsonl", tmp_path)
    for fonts in Path(get_cachedir()).glob("fontlist-*.json"):  # found again, which takes seconds and is said
        shutil.copy(fonts, tmp_path)
    environment = {**os.environ, "MPLCONFIGDIR": str(tmp_path), "MPLBACKEND": "nonsense"}
    command = [*PROGRAM, "plot", str(tmp_path), "--format", "png"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/")
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 2)
    assert done.returncode == 0 or "error: matplotlib cannot be imported" in done.stderr
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.facecolor: black\n")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stderr) == (0, "")
