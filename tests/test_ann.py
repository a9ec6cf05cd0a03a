"""The same network as an artificial one: run once, counted by its MACs, never with a firing rate."""

import pytest
import torch
from msgspec.structs import replace
from support import render_rows
from support.jobs import ignore, job_of

from psubench import data, models, neurons
from psubench.errors import NeuronError
from psubench.experiments import outputs
from psubench.experiments.ann import Cost, equal_rates
from psubench.experiments.paired.probe import Probe
from psubench.experiments.paired.verdicts import beside_anns
from psubench.experiments.sparsity.probe import ActivityProbe
from psubench.records.outcomes import labelled
from psubench.training.case import Training
from psubench.training.recipe import Recipe
from psubench.training.train_here import train_here

T, BATCH, SIZE = 8, 3, 16
AXES = {"data": "normal", "T": T, "batch": BATCH, "device": "cpu", "dtype": "float32", "threads": 1}


def counted(neuron, model="mlp(width=0.1)", first_layer="sparse_mac"):
    case = {
        **AXES, "kind": "sparsity", "neuron": neuron, "implementation": "-", "model": model, "size": None,
        "data": "spoken-digits", "phase": "infer", "mode": "layer", "samples": BATCH,
        "weights": "untrained, not calibrated", "energy_model": "horowitz45-fp32",
        "first_layer": first_layer, "pooling": "graded",
    }  # fmt: skip
    (outcome,) = ActivityProbe(job_of(case, neuron), ignore, ignore).run().cases
    assert outcome.status == "ok", outcome.message
    return outcome


def test_labels_mark_it_and_name_its_outputs():
    assert neurons.parse("relu").label == "relu [ann, analog]"
    label = neurons.parse("quant-relu(levels=3)").label
    assert label == labelled(label, "levels") == "quant-relu(levels=3) [ann, levels]"
    with pytest.raises(NeuronError, match="levels = 1; levels counts the values that it can give"):
        neurons.parse("quant-relu(levels=1)")


def test_what_each_gives():
    x = torch.tensor([[-1.0, 0.0, 0.4, 0.5, 1.5, 9.0]], dtype=torch.float64)
    for make in (neurons.build, neurons.build_reference):
        assert make(neurons.parse("relu"), 4)(x).tolist() == [[0, 0, 0.4, 0.5, 1.5, 9]]
        assert make(neurons.parse("quant-relu"), 4)(x).tolist() == [[0, 0, 0, 0, 2, 4]]
        assert make(neurons.parse("quant-relu(levels=2,threshold=0.5)"), 4)(x).tolist() == [
            [0, 0, 1, 1, 1, 1]
        ]
    # One step of ilif from rest gives the same.
    assert torch.equal(
        neurons.build(neurons.parse("ilif"), 1)(x), neurons.build(neurons.parse("quant-relu"), 1)(x)
    )


def test_its_network_counts_its_macs_once_whatever_T_is():
    model = "mlp(width=0.1)"
    network = models.build(models.parse(model), torch.nn.ReLU, 1, (26,), 10)
    macs = sum(
        layer.weight.numel() for layer in network.module.modules() if isinstance(layer, torch.nn.Linear)
    )
    for neuron, kind in (("relu", "analog"), ("quant-relu", "levels")):
        found = counted(neuron, model)
        total = found.layers[-1]
        assert (found.verified, found.output) == (True, kind)
        assert total.sop_eff == total.sop_graded == total.sop_dense == BATCH * macs
        assert total.energy_pj == pytest.approx(4.6 * BATCH * macs)
        assert total.spikes is total.firing_rate is total.spike_energy_pj is None
        assert found.maps == found.raster == []


def test_it_gets_the_mean_of_all_steps():
    x = torch.rand(T, BATCH, 5)
    assert torch.equal(neurons.presented(neurons.parse("relu"), x), x.mean(0, keepdim=True))
    assert neurons.presented(neurons.parse("lif"), x) is x
    assert (neurons.steps(neurons.parse("relu"), T), neurons.steps(neurons.parse("lif"), T)) == (1, T)


def test_what_grows_with_the_firing_rate_is_what_spikes_cause():
    *layers, total = counted("lif(threshold=0.05)").layers
    later = [layer for layer in layers if layer.role == "synapse" and not layer.first]
    resets = total.spikes  # one subtraction each
    assert total.spike_energy_pj == pytest.approx(sum(one.energy_pj for one in later) + 0.9 * resets)
    assert 0 < total.spike_energy_pj < total.energy_pj


@pytest.mark.parametrize("phase", ["infer", "train"])
def test_it_is_timed_beside_spiking_neurons_on_one_step(phase):
    case = {
        **AXES, "kind": "speed", "model": "neuron", "size": SIZE, "phase": phase,
        "neuron": "quant-relu", "implementation": "once", "mode": "layer",
    }  # fmt: skip
    job = job_of(case, "quant-relu")
    (outcome,) = Probe(job, ignore, ignore).run().cases
    assert (outcome.status, outcome.verified, outcome.output) == ("ok", True, "levels"), outcome.message
    assert outcome.activity.neuron_steps == BATCH * SIZE  # of one step


def test_it_learns_and_shows_no_firing_rate():
    told = []
    weights = train_here(
        model=models.parse("mlp(width=0.1)"), neuron=neurons.parse("relu"), data=data.parse("spoken-digits"),
        T=2, epochs=1, recipe=Recipe(batch=600), say=told.append,
    )  # fmt: skip
    assert weights.epoch == 1
    rates = [one.record["test"]["firing_rate"] for one in told if hasattr(one, "record")]
    assert rates == [None]


def test_the_key_of_a_training_is_that_of_its_T():
    made = [
        Training(
            models.parse("mlp"), data.parse("normal"), neurons.parse("relu"), steps, Recipe(), 0, "cpu", 1
        )
        for steps in (4, 8)
    ]
    assert made[0].steps == made[1].steps == 1
    assert made[0].key != made[1].key


def cost(neuron, energy_pj, spike_energy_pj=None, firing_rate=None):
    label = neurons.parse(neuron).label
    return Cost(neuron, label, {"data": "shd", "T": T}, energy_pj, spike_energy_pj, firing_rate)


def test_where_both_cost_the_same():
    ann = cost("relu", 1000.0)
    # 400 whatever happens, and 800 at a rate of 0.2: 1000 at 0.2 * 600 / 800.
    (line,) = equal_rates([ann, cost("lif", 1200.0, 800.0, 0.2)])
    assert line == (
        "estimated energy beside relu [ann, analog], 1.00 nJ a sample (data shd, T 8):"
        " lif hungrier, 1.20x (equal at a firing rate of 0.150, it has 0.200)"
    )
    for other, text in (
        (cost("lif", 1200.0, 100.0, 0.2), "hungrier, 1.20x (not equal even without spikes)"),
        (cost("lif", 100.0, 10.0, 0.2), "not hungrier, 0.10x (not equal even with a spike in every step)"),
        (
            cost("prf", 1200.0, 0.0, 0.0),
            "hungrier, 1.20x (not equal even without spikes)",
        ),
        (
            cost("psn", 1200.0, None, 0.2),
            "hungrier, 1.20x (the firing rate at which both would be equal is unknown)",
        ),
    ):
        (line,) = equal_rates([ann, other])
        assert line.endswith(f": {other.label} {text}")
    assert equal_rates([cost("lif", 1.0, 1.0, 0.1)]) == equal_rates([ann]) == []


def test_a_sentence_says_which_neurons_are_slower_than_it():
    rows = [row for row in render_rows.rows() if row.phase == "infer" and row.label in ("lif", "psn")]
    ann = [
        replace(row, neuron="relu", label="relu [ann, analog]", ratio=2.0, ratio_low=1.9, ratio_high=2.1)
        for row in rows
        if row.label == "psn"
    ]
    # psn: 2.6 times as fast as lif at T = 4, and 2.6 * 32 ** -0.1 = 1.84 times at T = 128.
    (line,) = beside_anns([*rows, *ann])
    assert line == (
        "inference: slower than relu [ann, analog] at every T from 4 to 128: lif; at T = 128: psn"
    )
    assert beside_anns(rows) == []


def test_a_line_says_what_it_is():
    (line,) = outputs.lines([replace(render_rows.rows()[0], neuron="relu", label="relu [ann, analog]")])
    assert line.startswith("relu [ann, analog] is not a spiking neuron: its network runs once")
