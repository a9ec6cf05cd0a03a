"""Tables, files and figures of a sparsity run: literal output, and what must stand in all of them."""

import csv
import io
import json

import pytest
from rich.console import Console
from support.activity_cases import SAMPLES, made, records
from support.records_of import typed
from support.render_rows import same_as_golden

from psubench.errors import PsubenchError
from psubench.experiments.registry import KINDS
from psubench.experiments.sparsity import figures, tables
from psubench.experiments.sparsity.rows import cases, flat
from psubench.render import grid
from psubench.render.figures.save import save

SPARSITY = KINDS["sparsity"]
# The contract of sparsity.csv.
HEADER = (
    "model,data,neuron,T,batch,layer,role,shape,firing_rate,spikes,neuron_steps,sop_eff,sop_unit,sop_graded,"
    "sop_dense,mac_textbook,sop_eff_nzw,sop_value,dynamics_mac,dynamics_ac,dynamics_cmp,dynamics_nonlin,"
    "dynamics_mac_executed,energy_pj,energy_model,n_samples,policy,complete,run_id"
)


def shown(found, width=80):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    grid.show(tables.sheet(found), console)
    return console.file.getvalue()


def test_the_table_at_80_columns():
    assert same_as_golden("sparsity-80.txt", shown(made()))


def test_failures_and_what_was_not_counted_at_120_columns():
    found = made(("lif", "psn", "failed", "never"), psn=("aten.mkldnn_rnn_layer",))
    assert same_as_golden("sparsity-bad-120.txt", shown(found, 120))


def test_no_line_is_wider_than_the_terminal():
    for width in (80, 120):
        assert max(map(len, shown(made(), width).splitlines())) <= width


def test_the_csv_has_the_columns_of_the_contract_and_totals_as_integers():
    text = SPARSITY.export(made(), "csv")
    assert text.splitlines()[0] == HEADER
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["layer"] for row in rows[:4]] == ["conv1", "neuron1", "fc1", "total"]
    assert [row["role"] for row in rows[:4]] == ["synapse", "neuron", "synapse", "total"]
    total = rows[3]
    assert (total["spikes"], total["sop_eff"], total["n_samples"]) == ("144", "121440", str(SAMPLES))
    assert rows[0]["spikes"] == rows[1]["sop_eff"] == ""  # unknown is empty, not 0
    assert total["complete"] == "True"
    # (30,000 + 1,440) x 0.9 + 90,000 x 4.6; 4 leaks of 2,880 neurons and 144 spikes
    assert float(total["energy_pj"]) == pytest.approx(31_440 * 0.9 + 90_000 * 4.6 + 11_520 * 4.6 + 144 * 0.9)


def test_json_holds_what_the_csv_leaves_out():
    read = json.loads(SPARSITY.export(made(), "json"))
    assert read[0]["bn"] == 11_520
    assert read[2]["bias"] == 400
    assert read[1]["spikes_per_step"] == [4, 30, 50, 60]
    assert read[3]["weights"] == "untrained"
    assert {row["status"] for row in read} == {"ok"}


def test_a_failed_case_is_a_row_of_unknowns():
    rows = flat(made(("failed", "never", "lif")))
    assert [(r.status, r.layer, r.sop_eff, r.complete) for r in rows[:2]] == [
        ("oom", "total", None, False), ("interrupted", "total", None, False)
    ]  # fmt: skip
    assert [row.energy_model for row in rows[:3]] == ["horowitz45-fp32"] * 3
    text = SPARSITY.export(made(("failed",)), "csv").splitlines()[1]
    assert "oom" not in text
    assert text.startswith("tiny,spoken-digits,failed,4,5,total,total,,,,")


def test_a_case_that_was_made_up_for_counts():
    run = records(("failed", "lif"))
    again = records(("lif",))[1]
    again["cases"][0] |= {"key": "failed"}
    assert [case.status for case in cases(typed([*run, again]))] == ["ok", "ok"]


@pytest.mark.parametrize("format", ["markdown", "latex"])
def test_tables_for_papers(format):
    text = SPARSITY.export(made(psn=("aten.mul",)), format)
    assert same_as_golden(f"sparsity.{'md' if format == 'markdown' else 'tex'}", text)
    for word in ("UNTRAINED", "estimate", "Horowitz", "sparse", "aten.mul"):
        assert word in text


def test_an_unknown_format_is_told():
    with pytest.raises(PsubenchError, match='unknown format "xml"'):
        SPARSITY.export(made(), "xml")


@pytest.mark.parametrize("model", ["horowitz45-fp32", "loihi", "truenorth"])
def test_every_output_says_estimate_model_source_and_policy(model):
    outputs = [shown(made(model=model), 500), SPARSITY.export(made(model=model), "markdown")]
    for text in outputs:
        assert f"estimate by {model} (" in text
        assert "policies first layer sparse_mac, average pooling graded" in text
        assert ("not verified" in text) is (model == "truenorth")


def test_what_weights_are_is_said_loudly_everywhere():
    trained = "trained 5 epochs on spoken-digits"
    for weights, word in (("untrained", "UNTRAINED weights"), (trained, f"weights {trained}")):
        found = made(weights=weights)
        assert shown(found, 300).count(word) >= 4 + 3  # every table and every verdict
        for name, figure in figures.figures(found):
            assert word in figure._supxlabel.get_text().replace("\n", " "), name


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_figures_show_every_neuron_and_layer():
    drawn = dict(figures.figures(made()))
    assert list(drawn) == ["firing-rate", "energy", "feature-maps", "activity", "raster"]
    for name, figure in drawn.items():
        assert {"lif", "psn", "psu"} <= set(texts(figure)), name
    assert "estimate" in " ".join(texts(drawn["energy"]))
    rates = [bar.get_height() for bar in drawn["firing-rate"].axes[0].patches]
    assert rates[:2] == [144 / 11_520] * 2  # lif: the layer and the network
    images = [image for axes in drawn["feature-maps"].axes for image in axes.images]
    assert len(images) == 3 * 2
    assert len({image.get_clim() for image in images}) == 1  # one scale for all
    lines = drawn["activity"].axes[0].get_lines()
    assert list(lines[0].get_ydata()) == [count / 2_880 for count in (4, 30, 50, 60)]


def test_energy_bars_stack_to_the_total():
    figure = dict(figures.figures(made(("psn",))))["energy"]
    heights = [bar.get_height() for bar in figure.axes[1].patches]
    unit = 1e3 if "(nJ)" in figure.axes[1].get_ylabel() else 1e6
    total = made(("psn",))[0].total.energy_pj / SAMPLES
    assert sum(heights) * unit == pytest.approx(total)


def test_unknown_energy_is_a_question_mark():
    figure = dict(figures.figures(made(psn=("aten.mul",))))["energy"]
    assert "?" in texts(figure)
    assert "psn: incomplete" in figure._supxlabel.get_text()


def test_nothing_counted_means_no_figure_and_no_table():
    found = made(("failed", "never"))
    assert figures.figures(found) == []
    assert "oom: out of memory" in shown(found)


@pytest.mark.slow
def test_the_same_cases_give_the_same_bytes(tmp_path):
    for place in ("a", "b"):
        save(figures.figures(made(("psn",))), tmp_path / place, ("pdf", "png", "svg"))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
