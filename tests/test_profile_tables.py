"""How a profile is shown: rows against sums in the head, tables and exports against literal output."""

import csv
import io

import pytest
from rich.console import Console
from support.places import GOLDEN
from support.profile_cases import CASES, case, profile

from psubench.errors import PsubenchError
from psubench.experiments.profile import figures, rows, tables
from psubench.experiments.registry import KINDS
from psubench.render import grid

PROFILE = KINDS["profile"]


def shown(cases, width, encoding="utf-8"):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    grid.show(tables.sheet(cases), Console(file=file, width=width, highlight=False, soft_wrap=False))
    file.flush()
    return file.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [80, 120])
def test_the_table(width):
    text = shown(CASES, width)
    assert max(map(len, text.splitlines())) <= width
    assert text == (GOLDEN / f"profile_table_{width}.txt").read_text()


def test_a_terminal_that_knows_ascii_only_gets_it():
    assert "us)" in shown([case("psu", profile(1000, 3))], 80, "ascii")


@pytest.mark.parametrize(("format", "suffix"), [("csv", "csv"), ("markdown", "md"), ("latex", "tex")])
def test_exports(format, suffix):
    assert PROFILE.export(CASES, format) == (GOLDEN / f"profile.{suffix}").read_text()


def test_an_unknown_format_names_the_known():
    with pytest.raises(PsubenchError, match='did you mean "latex"'):
        PROFILE.export(CASES, "latx")


def test_rows_are_per_call():
    total, *rest = rows.rows(CASES[:1])
    assert (total.part, total.time_s, total.bare_s) == ("total", 1.0, 0.6)
    assert total.launches == (2 + 4 + 200 + 2 + 1) / 2
    assert total.launches_per_step == total.launches / 4
    roles = {row.name: row for row in rest if row.part == "role"}
    assert {name: row.share for name, row in roles.items()} == {
        "neuron": 0.4, "synapse": 0.3, "other": 0.29, "unattributed": 0.01,
    }  # fmt: skip
    assert (roles["neuron"].forward_s, roles["neuron"].backward_s) == (0.15, 0.25)
    operators = [row for row in rest if row.part == "operator"]
    assert [row.name for row in operators][:2] == ["aten::lerp", "aten::addmm"]
    assert (operators[0].events, operators[0].share) == (4.5, 0.15)
    assert operators[1].kept_bytes == 3 << 19


def test_what_is_unknown_is_empty_and_no_zero():
    (row,) = list(csv.DictReader(io.StringIO(PROFILE.export(CASES[3:], "csv"))))
    assert row["status"] == "failed"
    assert {row[name] for name in ("time_s", "share", "launches", "peak_memory_bytes", "bare_s")} == {""}
    infer = rows.layers(case("psu", profile(1000, 3), phase="infer"))
    assert {layer.backward_s for layer in infer} == {None}


def test_on_a_gpu_shares_are_of_its_own_time():
    found = profile(1000, 3)
    for number, layer in enumerate(found["layers"]):
        layer["forward"]["device_ns"] = 100 * number
    shares = {row.name: row.share for row in rows.roles(case("psu", found, device="cuda:0"))}
    assert shares == pytest.approx({"synapse": 0, "neuron": 1 / 6, "other": 2 / 6, "unattributed": 3 / 6})
    assert "a kernel launch" in tables.meaning([case("psu", found, device="cuda:0")])[0]


def test_who_launches_more_and_who_fewer():
    lines = tables.verdict_lines(CASES)
    assert lines == [
        "lif [step] launches 26.1 per time step",
        "psu launches 2.9 per time step, 9.09x fewer than lif [step]",
        "mine|2 launches 2.9 per time step, 9.09x fewer than lif [step]",
    ]
    back = tables.verdict_lines([CASES[1], CASES[0], CASES[2]])
    assert back[1:] == [
        "lif [step] launches 26.1 per time step, 9.09x more than psu",
        "mine|2 launches 2.9 per time step, as many as psu",
    ]


def test_figures_show_the_numbers():
    found = dict(figures.figures(CASES))
    assert list(found) == ["share", "launches", "timeline"]
    bars = [patch.get_width() for patch in found["share"].axes[0].patches]
    assert bars == pytest.approx([0.4, 0.3, 0.29, 0.01] * 3)
    bars = [patch.get_width() for patch in found["launches"].axes[0].patches]
    assert bars == pytest.approx([26.125, 2.875, 2.875])
    (line, marker, *_) = found["timeline"].axes[0].lines
    assert list(line.get_ydata()) == [0, 3, 5, 1]
    assert list(line.get_xdata()) == pytest.approx([112.5, 337.5, 562.5, 787.5])
    assert list(marker.get_xdata()) == [400]
    assert figures.figures(CASES[3:]) == []
