"""Figures of one T or of many neurons: a dot plot; and axes of ratios with a tick on each side of 1."""

import pytest
from matplotlib.collections import PolyCollection
from msgspec.structs import replace
from support import activity_cases, render_rows, training_records
from support.figures import drawn, panel
from support.records_of import typed

from psubench.experiments.accuracy import figures as accuracy_figures
from psubench.experiments.accuracy import rows as accuracy_rows
from psubench.experiments.accuracy import tables as accuracy_tables
from psubench.experiments.sparsity import figures as sparsity_figures
from psubench.experiments.sparsity.rows import cases
from psubench.experiments.speed import bars
from psubench.render.axes import in_panels


@pytest.mark.parametrize("name", ["ratio", "time"])
def test_one_T_is_a_dot_plot_with_a_line_for_each_neuron(name):
    rows = [row for row in render_rows.rows() if row.T == 16 and row.phase == "infer"]
    (axes,) = drawn(name, rows).axes
    shown = {round(c.lines[0].get_ydata()[0]): c.lines[0].get_xdata()[0] for c in axes.containers}
    names = [label.get_text().removesuffix(" (unverified)") for label in axes.get_yticklabels()]
    assert names == [row.label for row in rows if name == "time" or not row.is_reference]
    for row in rows:
        if row.label in names:
            expected = row.ratio if name == "ratio" else row.median_s / row.T
            assert shown[names.index(row.label)] == pytest.approx(expected)
    assert (axes.get_title(), axes.get_xscale()) == ("T = 16", "log")


def many(count):
    """Rows of `count` neurons beside the reference."""
    of_one = [row for row in render_rows.rows() if row.label == "psn"]
    made = [
        replace(row, label=f"n{number}", neuron=f"mine.py:n{number}", key=f"{row.key}{number}")
        for number in range(count)
        for row in of_one
    ]
    return [*(row for row in render_rows.rows() if row.is_reference), *made]


def test_more_than_six_neurons_are_a_dot_plot_with_a_panel_for_each_T():
    assert len(drawn("ratio", many(6)).axes) == 2
    figure = drawn("ratio", many(7))
    assert [axes.get_title() for axes in figure.axes] == [f"T = {T}" for T in (*render_rows.TS,) * 2]
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["training", "inference"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [f"n{n}" for n in range(7)]
    assert figure.legends == []


def test_several_networks_are_one_figure_in_which_each_has_bars_or_dots():
    crowd = [replace(row, model="shd", size=None, key=f"{row.key}shd") for row in many(7)]
    few, _, dots, _ = drawn("figure4", [*render_rows.rows(), *crowd]).axes
    assert (few.get_xscale(), dots.get_xscale()) == ("linear", "log")
    names = [label.get_text() for label in dots.get_yticklabels()]
    assert names[:2] == ["T = 4", "n0"]
    assert [name for name in names if name.startswith("T = ")][-1] == "T = 128"


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0.4, 1.25),
        (1.0, 1.0),
        (0.99, 24),
        (0.1, 1.001),
        (0.95, 1.06),
        (1.3, 2),
        (0.002, 900),
        (0.6, 0.7),
        (0.94, 2.8),
    ],
)
@pytest.mark.parametrize("most", [3, 6, 10])
def test_an_axis_of_ratios_has_a_tick_on_each_side_of_1(low, high, most):
    ticks, bottom, top = bars.ticks(low, high, most)
    assert bottom <= min(low, *ticks) < 0.9999
    assert top >= max(high, *ticks) > 1.0001
    assert min(ticks) < 0.9999 < 1.0001 < max(ticks)
    assert any(tick == pytest.approx(1) for tick in ticks)
    assert ticks == sorted(ticks)
    assert len(ticks) <= 2 * most + 2


def test_the_band_of_the_noise_lies_behind_the_bars():
    axes = panel(drawn("ratio", render_rows.rows()), "training")
    bands = [c.get_zorder() for c in axes.collections if isinstance(c, PolyCollection)]
    assert max(bands) < min(bar.get_zorder() for bar in axes.patches)


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (1, [1]), (6, [6]), (7, [4, 3]), (13, [5, 5, 3])])
def test_series_are_spread_over_panels_of_six_at_most(count, sizes):
    panels = in_panels(list(range(count)))
    assert [len(panel) for panel in panels] == sizes
    assert [one for panel in panels for one in panel] == list(range(count))


def test_seven_neurons_of_a_network_have_two_panels_on_one_scale():
    (one,) = cases(typed(activity_cases.records(("psu",))))
    seven = [replace(one, label=f"psu(tau={tau})", key=str(tau)) for tau in range(2, 9)]
    figures = dict(sparsity_figures.figures(seven))
    above, below = figures["firing-rate"].axes
    assert above.get_ylim() == below.get_ylim()
    assert len(figures["energy"].axes) == 4
    assert len(figures["firing-rate"].legends[0].get_texts()) == 7


def trained(**changes):
    found = accuracy_rows.summary(accuracy_rows.trainings(typed(training_records.records())))
    return [replace(row, **changes) for row in found if row.label in ("psu", "spsn")]


def test_a_single_seed_has_no_standard_deviation():
    single = [row for row in trained() if row.n == 1]
    for text in (
        dict(accuracy_figures.figures(single))["accuracy"].get_supxlabel(),
        accuracy_tables.caption(single),
    ):
        assert "deviation" not in text
    assert "n = 1" in dict(accuracy_figures.figures(single))["accuracy"].get_supxlabel()
    assert "band" not in dict(accuracy_figures.figures(single))["curves"].get_supxlabel()
    assert "deviation" in accuracy_tables.caption(trained())


def test_no_accuracy_is_drawn_beyond_100_percent():
    for name, figure in accuracy_figures.figures(trained(accuracy=0.99, accuracy_sd=0.05)):
        (axes,) = figure.axes
        assert axes.get_ylim()[1] <= 100
        for container in axes.containers:
            ((_, low), (_, high)) = container.lines[2][0].get_segments()[0]
            assert (name, low, high) == ("accuracy", pytest.approx(94), pytest.approx(100))
