"""The examples run as their docstrings say, and do what they say."""

import ast
import csv
import re
import shlex
import sys

import pytest
import torch
from support.command_line import here
from support.places import ROOT

pytestmark = pytest.mark.slow

sys.path.insert(0, str(ROOT / "examples"))
FILES = sorted((ROOT / "examples").glob("*.py"))
DOCSTRINGS = [str(ast.get_docstring(ast.parse(path.read_text()), clean=False)) for path in FILES]
COMMANDS = [
    shlex.split(line) for text in DOCSTRINGS for line in re.findall(r"^    \$ psubench (.+)$", text, re.M)
]
PRICES = {  # of mac and ac of synapses, and of neurons
    "examples/energy_model.py:with_weights": (14.6, 10.9, 4.6, 0.9),
    "examples/energy_model.toml": (1.48, 1.28, 1.48, 1.28),
    "horowitz45-fp32": (4.6, 0.9, 4.6, 0.9),
}


def rows(folder):
    (path,) = folder.glob("*.csv")
    return list(csv.DictReader(path.read_text().splitlines()))


def test_every_example_shows_a_command():
    assert len(FILES) == 3
    assert len(COMMANDS) == 6


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments)[:60])
def test_a_command_of_an_example(arguments, tmp_path):
    quick = ["--max-seconds", "0.05", "--no-memory"] if arguments[0] == "speed" else []
    here(*arguments, *quick, "--out", tmp_path, check=0, cwd=ROOT)
    found = rows(tmp_path)
    if arguments[0] == "sparsity":
        check_energy(found, arguments)
        return
    assert {(row["status"], row["verified"]) for row in found} == {("ok", "True")}
    assert len({row["neuron"] for row in found}) == 2
    if arguments[0] == "speed":
        assert all(float(row["median_s"]) > 0 for row in found)
    else:
        layers = [row["name"] for row in found if row["part"] == "layer" and row["neuron"] == "psu"]
        assert layers[:4] == ["inward", "first", "weights.0", "weights.1"]


def check_energy(found, arguments):
    """Every layer costs what its counts and the prices give."""
    model = arguments[-1] if "--energy-model" in arguments else "horowitz45-fp32"
    mac, ac, own_mac, own_ac = PRICES[model]
    assert len({row["neuron"] for row in found}) == 2
    assert {row["complete"] for row in found} == {"True"}
    for row in found:
        if row["role"] == "synapse" and row["sop_graded"]:
            paid = mac * int(row["sop_graded"]) + ac * int(row["sop_unit"])
        elif row["role"] == "neuron":
            paid = own_mac * int(row["dynamics_mac"]) + own_ac * int(row["dynamics_ac"])
        else:
            continue
        assert float(row["energy_pj"]) == pytest.approx(paid), row["layer"]
    assert {row["role"] for row in found} >= {"synapse", "neuron", "total"}


def test_unknown_counts_have_no_price():
    from energy_model import with_weights

    from psubench.sops.work import Work

    assert with_weights(Work(mac=1, ac=1)) == pytest.approx(4.6 + 0.9 + 20)
    assert with_weights(Work(mac=1, dynamics_ac=None)) is None


def test_the_adaptive_neuron_fires_less_and_less():
    from neuron import AdaptiveLIF, Truth

    x = torch.full((200, 1, 1), 3.0)
    spikes = AdaptiveLIF(T=200, strength=2.0)(x).flatten()
    assert spikes[:4].sum() > spikes[-100:].sum() / 25
    assert torch.equal(AdaptiveLIF(T=200, strength=0.0)(x), Truth(T=200, strength=0.0)(x).float())
    state, stepped = None, []
    neuron = AdaptiveLIF(T=200, strength=2.0)
    for now in x:
        s, state = neuron.step(now, state)
        stepped.append(s)
    assert torch.equal(torch.stack(stepped).flatten(), spikes)
