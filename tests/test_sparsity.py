"""`psubench sparsity` as users call it: from the command line to files, and what follows on them."""

import csv
import json
import subprocess
import sys

import pytest
from support.command_line import here

pytestmark = pytest.mark.slow

PLUGINS = '''
import torch
from torch import nn

from psubench import neurons


class OneLayer(nn.Module):
    """A linear layer of 700 inputs and one of 10 neurons; its mean rate is the answer."""

    input_shape = (700,)

    def __init__(self, neuron, T):
        super().__init__()
        self.fc, self.neuron = nn.Linear(700, 10, bias=False), neuron()

    def forward(self, x):
        return self.neuron(self.fc(x)).mean(0)


class WithLSTM(OneLayer):
    def __init__(self, neuron, T):
        super().__init__(neuron, T)
        self.lstm = nn.LSTM(700, 700)

    def forward(self, x):
        return super().forward(self.lstm(x)[0])


def sparse(T, batch, seed, split):
    """14 of 700 inputs spike in every step: a rate of 2 %."""
    x = torch.zeros(T, batch, 700)
    x[..., :14] = 1
    yield x, torch.zeros(batch)


class Broken(nn.Module):
    def __init__(self, T):
        super().__init__()

    def forward(self, x):
        raise ValueError("no such membrane")


class Undeclared(nn.Module):
    def __init__(self, T):
        super().__init__()

    def forward(self, x):
        return (x > 0).to(x.dtype)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("sparsity")
    (path / "mine.py").write_text(PLUGINS)
    return path


def psubench(folder, *arguments):
    return here(*arguments, cwd=folder)


@pytest.fixture(scope="module")
def one_layer(folder):
    return psubench(
        folder, "sparsity", "--model", "mine.py:OneLayer", "--data", "mine.py:sparse", "--T", "100",
        "--neurons", "psn,lif,mine.py:Broken,mine.py:Undeclared", "--samples", "6", "--batch", "4",
        "--out", "run",
    )  # fmt: skip


def flat(text):
    return " ".join(text.split())


def test_the_matrix_of_psn_costs_more_than_its_synapses_and_that_is_printed(one_layer):
    said = flat(one_layer.stdout)
    assert (
        "psn, T = 100: estimated per neuron and sample, UNTRAINED weights: 46,000 pJ for the neuron itself"
        " and 1,260 pJ for its synapses" in said
    )


def test_a_neuron_that_raises_is_a_row_and_the_others_are_counted(folder, one_layer):
    assert one_layer.returncode == 4
    assert "Broken, T = 100, UNTRAINED weights: failed: ValueError: no such membrane" in flat(
        one_layer.stdout
    )
    with open(folder / "run" / "sparsity.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["neuron"], row["layer"]) for row in rows] == [
        ("psn", "fc"), ("psn", "neuron"), ("psn", "total"),
        ("lif", "fc"), ("lif", "neuron"), ("lif", "total"),
        ("mine.py:Broken", "total"),
        ("mine.py:Undeclared", "fc"), ("mine.py:Undeclared", "neuron"), ("mine.py:Undeclared", "total"),
    ]  # fmt: skip
    assert rows[0]["sop_eff"] == str(100 * 14 * 10 * 4)  # the data have one batch of 4
    assert rows[0]["n_samples"] == "4"
    assert rows[6]["sop_eff"] == rows[6]["energy_pj"] == ""


def test_undeclared_operations_are_unknown(folder, one_layer):
    assert (
        "Undeclared, T = 100: estimated per neuron and sample, UNTRAINED weights: unknown for the neuron"
        in flat(one_layer.stdout)
    )
    with open(folder / "run" / "sparsity.csv", newline="") as file:
        neuron = list(csv.DictReader(file))[8]
    assert neuron["spikes"] != ""
    assert neuron["dynamics_mac"] == neuron["energy_pj"] == ""


def test_the_record_holds_what_compare_gates(folder, one_layer):
    lines = (folder / "run" / "run.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["type"] for record in records] == ["run", *["activity"] * 4, "end"]
    outcome = records[1]["cases"][0]
    assert outcome["exact"] == {
        "spikes": outcome["layers"][1]["spikes"], "neuron_steps": 100 * 10 * 4, "sop_eff": 56_000,
        "mac_textbook": 2_800_000, "parameters": 7_000,
    }  # fmt: skip
    assert outcome["energy_model"]["source"].startswith("Horowitz")


def test_resuming_counts_only_what_is_missing(folder, one_layer):
    again = psubench(
        folder, "sparsity", "--model", "mine.py:OneLayer", "--data", "mine.py:sparse", "--T", "100",
        "--neurons", "psn,lif,mine.py:Undeclared", "--samples", "6", "--batch", "4", "--resume",
        "--out", "run",
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    records = [json.loads(line) for line in (folder / "run" / "run.jsonl").read_text().splitlines()]
    assert [record["type"] for record in records][-2:] == ["run", "end"]


def test_redrawing_and_exporting_need_no_torch(folder, one_layer):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from psubench.cli import app\n"
        "for words in (['show', 'run'], ['plot', 'run', '--out', 'drawn', '--format', 'png'],\n"
        "              ['export', 'run', '--format', 'latex'], ['show', 'run', '--json']):\n"
        "    app(words, standalone_mode=False)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "UNTRAINED" in done.stdout
    assert r"\toprule" in done.stdout
    drawn = {path.name for path in (folder / "drawn").iterdir()}
    assert drawn == {f"{name}.png" for name in ("firing-rate", "energy", "activity", "raster")}


def test_what_cannot_be_counted_is_named_and_strict_ends_with_4(folder):
    words = (
        "sparsity", "--model", "mine.py:WithLSTM", "--data", "mine.py:sparse", "--T", "4", "--neurons", "lif",
        "--samples", "2", "--quiet",
    )  # fmt: skip
    strict = psubench(folder, *words, "--strict", "--out", "lstm")
    assert strict.returncode == 4
    assert "layer lstm.weight_ih_l0 is incomplete: no rule for aten.mkldnn_rnn_layer" in flat(strict.stdout)
    loose = psubench(folder, *words, "--resume", "--json", "--out", "lstm")
    assert loose.returncode == 0
    total = json.loads(loose.stdout)[-1]
    assert total["complete"] is False
    assert total["sop_eff"] is total["energy_pj"] is None


def test_recordings_of_the_test_split_and_an_energy_model_of_the_users(folder):
    (folder / "chip.toml").write_text('source = "our chip"\nmac = 1\nac = 1\n')
    done = psubench(
        folder, "sparsity", "--model", "mlp(width=0.1)", "--T", "8", "--neurons", "psu@scan",
        "--samples", "10", "--energy-model", "chip.toml", "--json", "--quiet", "--out", "chip",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    total = rows[-1]
    assert total["n_samples"] == 10
    assert 0 < total["firing_rate"] < 1
    assert total["energy_model"] == "chip"
    priced = ("sop_eff", "dynamics_mac", "dynamics_ac")
    assert total["energy_pj"] == sum(total[name] for name in priced)
    assert total["sop_eff_nzw"] == total["sop_eff"]


def test_dry_runs_and_mistakes_count_nothing(folder):
    dry = psubench(folder, "sparsity", "--dry-run", "--neurons", "lif,psu", "--data", "synthetic:dvscifar10")
    assert dry.returncode == 0
    case = "infer T=10 batch=8 vggsnn(width=0.25) on synthetic:dvscifar10 float32, 64 samples"
    assert dry.stdout == f"lif: {case}\npsu: {case}\n"
    wrong = psubench(folder, "sparsity", "--energy-model", "horowitz")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith('error: unknown energy model "horowitz"; did you mean')
    assert len(wrong.stderr.splitlines()) == 1


def test_energy_models_are_listed_as_estimates(folder):
    done = psubench(folder, "list", "energy-models", "--json")
    found = {entry["energy model"]: entry for entry in json.loads(done.stdout)}
    assert found["horowitz45-fp32"]["pJ"] == "mac 4.6, ac 0.9"
    assert found["truenorth"]["verified"] is False
    assert all(entry["source"].startswith("estimate: ") for entry in found.values())
