"""Records of trainings to rows, tables, figures and progress; golden output in tests/golden."""

import csv
import io
import json
import math
from pathlib import Path

import pytest
from rich.console import Console
from support.records_of import typed

from psubench.errors import PsubenchError
from psubench.experiments.accuracy import figures, tables
from psubench.experiments.accuracy import rows as accuracy_rows
from psubench.experiments.registry import KINDS
from psubench.render import grid
from psubench.render.figures.save import save
from psubench.render.training_progress import Lines, Quiet, Terminal, watch

TRAINING = KINDS["training"]
GOLDEN = Path(__file__).parent / "golden"


def found(correct, rate):
    """What `evaluate.tested` finds: 2,000 neuron-steps per sample."""
    samples, steps = 200, 200_000
    spikes = {"neuron1": round(rate * steps), "neuron2": round(rate * steps)}
    return {
        "correct": correct, "samples": samples, "spikes": spikes,
        "neuron_steps": dict.fromkeys(spikes, steps), "firing_rate": sum(spikes.values()) / (2 * steps),
    }  # fmt: skip


def counted(spikes):
    """What the counter finds in 200 samples: two operations per spike."""
    return {
        "n_samples": 200,
        "sop_eff": 2 * spikes, "energy_pj": 10.0 * spikes, "dynamics_energy_pj": 4.0 * spikes,
        "energy_model": "horowitz45-fp32", "policy": "first=sparse_mac,pooling=graded",
    }  # fmt: skip


def case(neuron, data, seed):
    return {
        "kind": "training", "model": "mlp", "data": data, "neuron": neuron, "T": 32,
        "implementation": "matmul",
        "recipe": {"epochs": 3, "eval_samples": 4}, "seed": seed, "device": "cpu", "threads": 1,
    }  # fmt: skip


def records(data="spoken-digits"):
    """psu with three seeds; lif with one that was killed and one that failed; spsn with one seed."""
    plan = [("psu", 0), ("lif", 0), ("spsn", 0), ("psu", 1), ("lif", 1), ("psu", 2)]
    cases = [
        {"key": f"{neuron}{seed}", "case": case(neuron, data, seed), "label": neuron, "note": None}
        for neuron, seed in plan
    ]
    told = [{"type": "run", "run_id": "r1", "cases": cases}]
    right = {"psu0": (180, 0.1), "psu1": (184, 0.12), "psu2": (176, 0.11), "spsn0": (150, 0.4)}
    for key, (correct, rate) in right.items():
        for epoch in (1, 2, 3):
            told.append(
                {
                    "type": "training", "key": key, "epoch": epoch, "loss": 1 / epoch,
                    "accuracy": 0.3 * epoch,
                    "samples": 800, "seconds": [9.0, 2.0, 4.0][epoch - 1], "data_seconds": 0.5,
                    "test": found(correct - 10 * (3 - epoch), rate),
                }
            )  # fmt: skip
        test = found(correct, rate)
        if key == "spsn0":  # counted over four passes
            test = {**test, "spikes": {k: 4 * v for k, v in test["spikes"].items()}}
        told.append(
            {
                "type": "trained", "key": key, "status": "ok", "message": None, "test": test,
                "activity": counted(sum(test["spikes"].values())),
                "peak_memory_bytes": 50 << 20, "parameters": 21784,
            }
        )  # fmt: skip
    told.append({**told[1], "key": "lif0"})
    failed = {"test": None, "peak_memory_bytes": None, "parameters": None}
    message = "the loss is nan at step 3 of epoch 1; a lower lr may help"
    told.append({"type": "trained", "key": "lif1", "status": "failed", "message": message, **failed})
    return told


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


def test_figures_are_the_same_every_time(tmp_path):
    made = figures.figures(rows())
    assert [name for name, _ in made] == ["curves", "accuracy"]
    first = [path.read_bytes() for path in save(made, tmp_path / "a", ("svg",))]
    again = save(figures.figures(rows()), tmp_path / "b", ("svg",))
    assert first == [path.read_bytes() for path in again]
    assert figures.figures(accuracy_rows.summary(accuracy_rows.trainings(typed(records()[:1])))) == []


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def epoch(number):
    return {
        "epoch": number, "loss": 0.5, "accuracy": 0.8, "samples": 800, "seconds": 2.0,
        "test": found(180, 0.1),
    }  # fmt: skip


def two_trainings(watcher):
    watcher.plan(2, 4)
    watcher.begin("psu on digits", 0, 2)
    watcher.step(
        "psu on digits", {"epoch": 1, "done": 0.5, "loss": 0.9, "accuracy": 0.5, "samples_per_second": 99.0}
    )
    watcher.epoch("psu on digits", epoch(1))
    watcher.epoch("psu on digits", epoch(2))
    watcher.end("psu on digits", {"status": "ok", "message": None, "test": found(180, 0.1)})
    watcher.begin("lif on digits", 1, 2)
    watcher.end("lif on digits", {"status": "failed", "message": "the loss [b]is nan[/b]", "test": None})


def test_progress_in_lines_and_quietly():
    stream = io.StringIO()
    with watch(quiet=False, stream=stream) as watcher:
        assert type(watcher) is Lines
        two_trainings(watcher)
    first, second = stream.getvalue().splitlines()
    assert first.startswith("[1/2] psu on digits: accuracy 90.0 %, firing rate 0.100; 0:0")
    assert second == "lif on digits: failed: the loss [b]is nan[/b]"
    stream = io.StringIO()
    with watch(quiet=True, stream=stream) as watcher:
        assert type(watcher) is Quiet
        two_trainings(watcher)
    assert stream.getvalue() == f"{second}\n"


def test_a_single_training_tells_every_epoch():
    stream = io.StringIO()
    with watch(quiet=False, stream=stream) as watcher:
        watcher.plan(1, 2)
        watcher.begin("psu on digits", 0, 2)
        watcher.epoch("psu on digits", epoch(1))
    line = "psu on digits: epoch 1, loss 0.500, accuracy 90.0 %, firing rate 0.100, 400 samples/s; 0:0"
    assert stream.getvalue().startswith(line)


def test_a_terminal_shows_the_training_at_work_and_is_left_clean(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Tty()
    with watch(quiet=False, stream=stream) as watcher:
        assert type(watcher) is Terminal
        watcher.plan(2, 4)
        watcher.begin("psu on digits", 0, 2)
        watcher.epoch("psu on digits", epoch(1))
        console = Console(file=io.StringIO(), width=80)
        console.print(watcher.picture())
        cells = console.file.getvalue().splitlines()[-1].split("  ")
        assert [cell.strip() for cell in cells if cell] == [
            "psu on digits",
            "1/2",
            "0.500",
            "90.0 %",
            "0.100",
            "400",
        ]
        watcher.end("psu on digits", {"status": "failed", "message": "no", "test": None})
    text = stream.getvalue()
    assert "psu on digits: failed: no" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
