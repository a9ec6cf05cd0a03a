"""Records of trainings to rows, tables and figures; golden output in tests/golden."""

import csv
import io
import json
import math

import pytest
from msgspec.structs import replace as with_fields
from rich.console import Console
from support.places import GOLDEN
from support.records_of import typed
from support.training_records import records

from psubench.errors import PsubenchError
from psubench.experiments.accuracy import figures, tables
from psubench.experiments.accuracy import rows as accuracy_rows
from psubench.experiments.registry import KINDS
from psubench.render import grid
from psubench.render.figures.save import save

TRAINING = KINDS["training"]


def rows(data="spoken-digits"):
    return accuracy_rows.summary(accuracy_rows.trainings(typed(records(data))))


def test_trainings():
    psu, lif, spsn, *_ = accuracy_rows.trainings(typed(records()))
    assert (psu.accuracy, psu.epochs_done, psu.loss) == (0.9, 3, 1 / 3)
    assert psu.spikes_per_sample == pytest.approx(200)
    assert spsn.spikes_per_sample == pytest.approx(800)  # per pass
    assert (psu.epoch_s, psu.data_s, psu.samples_per_s) == (3.0, 0.5, 800 / 3)  # without the first
    assert (lif.status, lif.accuracy, lif.epochs_done, lif.epoch_s) == (
        "interrupted",
        None,
        1,
        9.0,
    )
    assert (psu.sop_eff_per_sample, psu.energy_pj_per_sample) == (400, 2000)
    assert (lif.sop_eff_per_sample, lif.energy_pj_per_sample) == (None, None)  # unknown, not 0


def test_without_a_count_nothing_is_said_of_energy():
    uncounted = [{**r, "activity": None} if r["type"] == "trained" else r for r in records()]
    summed = accuracy_rows.summary(accuracy_rows.trainings(typed(uncounted)))
    assert summed[0].energy_pj_per_sample is None
    assert "energy" not in TRAINING.export(summed, "markdown")


def test_summary():
    psu, lif, spsn = rows()
    assert (psu.n, psu.accuracy) == (3, pytest.approx(0.9))
    assert psu.accuracy_sd == pytest.approx(math.sqrt((0 + 0.02**2 + 0.02**2) / 2))
    assert psu.firing_rate == pytest.approx(0.11)
    assert (spsn.n, spsn.accuracy_sd) == (1, None)
    assert (lif.n, lif.accuracy, lif.status) == (0, None, "interrupted")
    assert lif.message.startswith("seed 0: the run ended before the training did; seed 1: the loss is nan")


def test_an_epoch_that_was_told_twice_counts_once():
    twice = records()
    again = [r for r in twice if r["type"] == "training" and r["key"] == "psu0"]
    assert accuracy_rows.trainings(typed([*twice, *again])) == accuracy_rows.trainings(typed(twice))


def shown(data, width):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    grid.show(tables.sheet(rows(data)), console)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("accuracy_80.txt", lambda: shown("spoken-digits", 80)),
        ("accuracy_published_120.txt", lambda: shown("shd", 120)),
        ("accuracy.md", lambda: TRAINING.export(rows("shd"), "markdown")),
        ("accuracy.tex", lambda: TRAINING.export(rows("shd"), "latex")),
        ("accuracy.csv", lambda: TRAINING.export(rows(), "csv")),
    ],
)
def test_golden(name, text):
    assert text() == (GOLDEN / name).read_text(), f"write it anew if this is meant: tests/golden/{name}"


def test_formats():
    objects = json.loads(TRAINING.export(rows("shd"), "json"))
    assert [row["seeds"] for row in objects] == [[0, 1, 2], [], [0]]
    table = list(csv.DictReader(TRAINING.export(rows("shd"), "csv").splitlines()))
    assert [row["neuron"] for row in table] == ["psu", "lif", "spsn"]  # nothing published among them
    assert [row["accuracy"] for row in table][1] == ""
    with pytest.raises(PsubenchError, match='did you mean "latex"'):
        TRAINING.export(rows(), "late")


def test_data_on_which_no_training_has_ended_have_an_empty_panel():
    psu, lif, _ = rows()
    made = dict(figures.figures([psu, with_fields(lif, data="shd")]))
    assert [len(axes.containers) for axes in made["accuracy"].axes] == [1, 0]


def test_figures_are_the_same_every_time(tmp_path):
    made = figures.figures(rows())
    assert [name for name, _ in made] == ["curves", "accuracy"]
    first = [path.read_bytes() for path in save(made, tmp_path / "a", ("svg",))]
    again = save(figures.figures(rows()), tmp_path / "b", ("svg",))
    assert first == [path.read_bytes() for path in again]
    assert figures.figures(accuracy_rows.summary(accuracy_rows.trainings(typed(records()[:1])))) == []
