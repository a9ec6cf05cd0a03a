"""The memory's speed limit: bytes by hand, shares by hand, and that a real copy lies between real rounds."""

import json

import pytest
import torch
from msgspec.structs import replace
from support import render_rows
from support.command_line import here
from support.figures import drawn, panel
from support.jobs import ignore, job_of
from support.records_of import typed

from psubench import neurons
from psubench.devices import open_device
from psubench.experiments.paired.probe import Probe
from psubench.experiments.speed import figures
from psubench.experiments.speed import rows as speed_rows
from psubench.experiments.speed.columns import COLUMNS
from psubench.measure.copy_speed import SAMPLES, Copies, least_bytes
from psubench.records import jsonl


def test_what_must_move_is_counted_once_and_twice_in_training():
    x = torch.zeros(4, 3, 5)
    psu = neurons.build(neurons.parse("psu"), 4)
    psn = neurons.build(neurons.parse("psn"), 4)
    assert least_bytes(psu, x, train=False) == 2 * 4 * 60  # input and spikes
    assert least_bytes(psu, x, train=True) == 4 * 4 * 60  # and the gradients of both
    assert least_bytes(psn, x, train=False) == 4 * (2 * 60 + 16 + 4)  # W and b as well
    assert least_bytes(psn, x, train=True) == 2 * 4 * (2 * 60 + 16 + 4)
    assert least_bytes(psu, x.bfloat16(), train=False) == 2 * 2 * 60


def test_as_many_samples_as_needed_and_no_more():
    device = open_device("cpu", T=1, phase="infer", seed=0)
    roof = Copies(device, [torch.ones(8, 16)] * 2, {"lif": 1024})
    for _ in range(SAMPLES + 5):
        roof.sample()
    fields = roof.fields()
    assert len(fields.copy_ns) == SAMPLES
    assert fields.copy_bytes == 2 * 8 * 16 * 4
    assert fields.copy_loops >= 1
    assert min(fields.copy_ns) > 0


def block(process, copy_ns):
    case = {"T": 4}
    return {
        "type": "block", "case": case, "process": process, "reference": "lif", "loops": 10, "rounds": 2,
        "wall_ns": {"lif": [4000, 4000], "again": [4000, 4000]}, "device_ns": None,
        "cases": [
            {
                "key": "k", "neuron": "lif", "status": "ok", "message": None, "verified": True,
                "activity": None,
            }
        ],
        "roof": {"least_bytes": {"lif": 800}, "copy_bytes": 1600, "copy_loops": 5, "copy_ns": copy_ns},
    }  # fmt: skip


def header():
    case = {"kind": "speed", "neuron": "lif", "T": 4}
    planned = {"key": "k", "case": case, "label": "lif", "reference": "k", "skip": None}
    return {"type": "run", "schema": jsonl.SCHEMA, "run_id": "r", "cases": [planned]}


def test_the_share_is_the_copys_time_for_as_many_bytes():
    (row,) = speed_rows.rows(typed([header(), block(0, [1000, 1000, 9000]), block(1, [2000, 2000])]))
    # 800 B in 400 ns is 2 GB/s; copies moved 5 * 1600 B in 1000 ns and in 2000 ns: 8 and 4 GB/s.
    assert row.least_bytes == 800
    assert row.copy_bytes_per_s == pytest.approx(6e9)
    assert row.copy_share == pytest.approx((2 / 8 + 2 / 4) / 2)


@pytest.mark.parametrize("roof", [None, {"copy_ns": []}])
def test_without_copies_it_is_unknown(roof):
    one = block(0, [1000])
    one["roof"] = roof and {**one["roof"], **roof}
    (row,) = speed_rows.rows(typed([header(), one]))
    assert [getattr(row, name) for name in ("least_bytes", "copy_bytes_per_s", "copy_share")] == [None] * 3


def with_share(**changes):
    return [
        replace(
            row,
            **{"least_bytes": 10**6, "copy_bytes_per_s": 1e10, "copy_share": 1e-4 / row.median_s} | changes,
        )
        if row.median_s
        else row
        for row in render_rows.rows()
    ]


def test_the_bandwidth_has_a_line_per_neuron_below_the_copys():
    axes = panel(drawn("bandwidth", with_share()), "inference")
    lines = {c.get_label(): c.lines[0] for c in axes.containers}
    assert list(lines) == list(render_rows.LABELS)
    rows = [row for row in with_share() if (row.label, row.phase) == ("psu", "infer")]
    assert list(lines["psu"].get_ydata()) == pytest.approx([row.copy_share for row in rows])
    assert "10 to 10 GB/s" in drawn("bandwidth", with_share()).get_supxlabel()


def test_implementations_stand_together_with_the_copy_below_them():
    figure = drawn("implementations", with_share())
    assert [axes.get_title() for axes in figure.axes] == ["psu, training", "psu, inference"]
    axes = panel(figure, "psu, inference")
    lines = {c.get_label(): list(c.lines[0].get_ydata()) for c in axes.containers}
    assert list(lines) == ["matrix", "scan"]
    of_scan = [row for row in with_share() if (row.label, row.phase) == ("psu@scan", "infer")]
    per_element = [row.median_s / (row.T * 32 * 512) for row in of_scan]
    assert lines["scan"] == pytest.approx(per_element)
    copied = [1e6 / 1e10 / (T * 32 * 512) for T in render_rows.TS]
    assert list(axes.lines[0].get_ydata()) == pytest.approx(copied)
    assert "implementations" not in dict(
        figures.figures([row for row in with_share() if row.label != "psu@scan"])
    )


def test_a_narrow_terminal_does_without_the_share():
    (column,) = [column for column in COLUMNS if column.spare]
    row, shares = render_rows.rows()[0], (None, 0.004, 0.0412, 0.98, 1.2)
    shown = [column.text(replace(row, copy_share=share)) for share in shares]
    assert (column.name, shown) == ("copy_share", ["-", "0.40 %", "4.1 %", "98 %", "120 %"])


@pytest.mark.slow
def test_a_run_of_one_layer_has_it_and_one_of_a_network_has_not(tmp_path):
    for model, known in (("neuron", True), ("mlp", False)):
        out = tmp_path / model
        done = here(
            "speed", "--model", model, "--T", "4", "--batch", "2", "--neurons", "lif", "--processes", "1",
            "--max-seconds", "0.1", "--no-memory", "--quiet", "--device", "cpu", "--json", "--out", str(out),
        )  # fmt: skip
        rows = json.loads(done.stdout)
        assert [row["status"] for row in rows] == ["ok"] * len(rows), rows
        assert all((row["copy_share"] is not None) is known for row in rows)


def test_a_fake_clock_calls_nobody_faster_than_a_copy(tmp_path, monkeypatch):
    """Its durations follow from names and shapes: a short one tells nothing of the neuron."""
    (tmp_path / "quick.py").write_text(
        "import torch\n\n\n"
        "class Fast(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        return (x >= 1).to(x.dtype)\n"
    )
    monkeypatch.chdir(tmp_path)  # the clock draws from the name, which must not hold a random folder
    about = {
        "kind": "speed", "model": "neuron", "data": "normal", "T": 4, "batch": 2, "size": 64,
        "device": "scripted", "dtype": "float32", "phase": "infer", "threads": 1, "mode": "layer",
        "neuron": "lif", "implementation": "loop",
    }  # fmt: skip
    fast = "quick.py:Fast"  # a name for which the clock draws less than a copy takes
    block = Probe(job_of(about, fast, fast), ignore, ignore).run()
    assert [outcome.status for outcome in block.cases] == ["ok"], block.cases[0].message
    copy_ns = min(block.roof.copy_ns) / block.roof.copy_loops
    assert min(block.wall_ns[fast]) / block.loops < copy_ns
