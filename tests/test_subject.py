"""Networks in the gate: what is timed is what it says it is, in both modes; and peak memory is true."""

import json
import os
import subprocess
import sys

import pytest
import torch
from support.places import WRONG

from psubench import neurons
from psubench.errors import UnsupportedError, WrongError
from psubench.measure import inputs, subjects


def case(**changes):
    return {
        "kind": "speed", "model": "shd(width=0.1)", "data": "synthetic:shd", "T": 6, "batch": 3, "size": None,
        "device": "cpu", "dtype": "float32", "phase": "infer", "threads": 1, **changes,
    }  # fmt: skip


def subject(neuron="lif", mode="layer", **changes):
    of = case(**changes)
    given = inputs.make(of, seed=0)
    x = given.x.to(getattr(torch, of["dtype"]))
    return subjects.build(of, neurons.parse(neuron), mode, given, x, 0, lambda: None)


@pytest.mark.parametrize("neuron", ["lif", "psn", "psu", "ipsu", "rpsu", "plif", "spsn"])
@pytest.mark.parametrize("phase", ["infer", "train"])
@pytest.mark.parametrize("model", ["shd(width=0.1)", "shd-wide(width=0.02)"])
def test_networks_of_built_in_neurons_are_verified(neuron, phase, model):
    made = subject(neuron, model=model, phase=phase)
    assert made.check() is None
    assert made.activity() == made.activity()
    assert (
        made.activity()["neuron_steps"]
        == sum({"shd(width=0.1)": [13] * 3, "shd-wide(width=0.02)": [20] * 2}[model]) * 6 * 3
    )


@pytest.mark.parametrize("name", ["WrongSpikes", "FutureSpikes", "HalfPrecision"])
def test_wrong_neurons_are_wrong_in_networks_and_the_layer_is_named(name):
    made = subject(f"{WRONG}:{name}", model="mlp(width=0.2)", data="spoken-digits", T=32)
    with pytest.raises(WrongError, match="layer neuron1: "):
        made.check()


def test_step_mode_is_verified_and_counts_the_same_spikes():
    layer, step = subject(mode="layer"), subject(mode="step")
    assert step.check() is None
    assert step.activity() == layer.activity()
    assert step.activity()["spikes"] > 0


@pytest.mark.parametrize("what", ["threshold", "state"])
def test_a_step_that_is_not_the_layer_is_wrong(what, monkeypatch):
    made = subject(mode="step")
    right = type(made.network.spiking["neuron1"]).step

    def wrong(self, x_t, v):
        if what == "state":
            return right(self, x_t, None)
        s, v = right(self, x_t, v)
        return (v > 0.4).to(s.dtype), v

    monkeypatch.setattr(type(made.network.spiking["neuron1"]), "step", wrong)
    with pytest.raises(WrongError, match="step by step"):
        made.check()


def test_a_plug_in_network_has_no_step_mode_and_must_call_its_layers(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    input_shape = (5,)\n"
        "    def __init__(self, neuron, T):\n"
        "        super().__init__()\n"
        "        self.fc, self.a, self.b = nn.Linear(5, 3), neuron(), neuron()\n"
        "    def forward(self, x):\n"
        "        return self.a(self.fc(x)).mean(0)\n"
    )
    model = f"{path}:Net"
    with pytest.raises(UnsupportedError, match="layer by layer only"):
        subject(mode="step", model=model, data="normal")
    with pytest.raises(WrongError, match="does not call its spiking layer b"):
        subject(model=model, data="normal")


def test_training_asks_for_the_gradients_of_all_weights_and_not_of_the_input():
    made = subject("psn", phase="train", model="shd-wide(width=0.02)")
    _, (_, gradients) = made.call()()
    assert len(gradients) == len(list(made.module.parameters()))
    assert all(gradient is not None for gradient in gradients)


def test_few_samples_are_repeated_to_the_batch_and_it_is_said(tmp_path):
    path = tmp_path / "few.py"
    path.write_text(
        "import torch\n"
        "def data(T, batch, seed, split):\n"
        "    yield torch.arange(1., 3).repeat(T, 1)[..., None].expand(T, 2, 4), torch.tensor([0, 1])\n"
    )
    given = inputs.make(case(model="mlp", data=f"{path}:data", batch=5), seed=0)
    assert given.x[0, :, 0].tolist() == [1, 2, 1, 2, 1]
    assert "2 samples repeated to a batch of 5" in given.note
    assert given.classes == 2


MEMORY = """
import ctypes, json, os, sys
import torch
from psubench.devices.cpu import Cpu

kept = []
def call():
    taken = torch.ones(64 << 18)  # 64 MiB of float32
    kept.append(torch.ones(16 << 18))
    return taken.sum()

call()
kept.clear()
print(json.dumps([Cpu().peak_memory(call) for _ in range(2)]))
"""


def test_peak_memory_is_what_a_call_takes_at_its_peak():
    from psubench.devices import worker_environment

    done = subprocess.run(
        [sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True,
        env={**os.environ, **worker_environment(1, "cpu")},
    )  # fmt: skip
    for peak in json.loads(done.stdout):
        assert peak == pytest.approx(80 << 20, abs=1 << 20)
