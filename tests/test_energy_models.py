"""Estimates of energy against hand counts; the paper's neuron at SHD's size; wrong models."""

from dataclasses import asdict, fields

import pytest
import torch
from torch import nn

from psubench import neurons
from psubench.errors import PsubenchError
from psubench.neurons.operations import dynamics
from psubench.sops import energy_models
from psubench.sops.counter import Counter
from psubench.sops.rows import Pricing, layer_rows
from psubench.sops.work import UNKNOWN, Work, of_neurons, of_synapse


def rows_of(neuron, T, rate, model="horowitz45-fp32", fan_in=700, size=10, first_layer="sparse_mac", x=None):
    """Rows of one linear layer without bias and one layer of neurons."""
    ref = neurons.parse(neuron)
    net = nn.Sequential(nn.Linear(fan_in, size, bias=False), neurons.build(ref, T))
    if x is None:
        x = torch.zeros(T, 2, fan_in)
        x[..., : round(fan_in * rate)] = 1
    with torch.inference_mode(), Counter(net, {"1": net[1]}) as counter:
        net(x)
    pricing = Pricing(energy_models.parse(model), first_layer, "graded")
    return layer_rows(counter.counts(), dynamics(ref, T), T, pricing)


def test_at_shd_the_matrix_of_a_psn_costs_more_than_its_synapses():
    synapse, neuron, total = rows_of("psn", T=100, rate=0.02)
    per_neuron = 10 * 2  # 10 neurons, 2 samples
    assert synapse["energy_pj"] / per_neuron == pytest.approx(1_260)  # 100 x 700 x 0.02 x 0.9
    assert neuron["energy_pj"] / per_neuron == pytest.approx(46_000)  # 100 x 100 x 4.6
    assert total["energy_pj"] == pytest.approx(47_260 * per_neuron)
    assert (total["synapse_energy_pj"], total["dynamics_energy_pj"]) == (
        synapse["energy_pj"],
        neuron["energy_pj"],
    )


def test_a_lif_neuron_by_hand():
    T = 100
    synapse, neuron, _ = rows_of("lif", T=T, rate=0.02)
    assert neuron["dynamics_mac"] == T * 20
    assert neuron["dynamics_ac"] == neuron["spikes"]
    assert neuron["dynamics_mac_executed"] == 2 * T * 20
    assert neuron["energy_pj"] == pytest.approx(4.6 * T * 20 + 0.9 * neuron["spikes"])
    assert neuron["firing_rate"] == neuron["spikes"] / neuron["neuron_steps"]
    assert synapse["sop_eff"] == synapse["sop_unit"] == T * 14 * 20


def test_energy_is_linear_in_the_rate():
    energy = {rate: rows_of("psn", 10, rate)[0]["energy_pj"] for rate in (0.0, 0.1, 0.2, 0.4, 1.0)}
    assert energy == pytest.approx({rate: rate * energy[1.0] for rate in energy})
    assert energy[0.0] == 0


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("sparse_mac", 10 * (2 * 0.9 + 3 * 4.6)),  # two ones; 2, 3 and 5 are multiplied
        ("dense_mac", 10 * 8 * 4.6),
        ("as_events", 10 * (1 + 1 + 2 + 3 + 5) * 0.9),
    ],
)
def test_policies_of_the_first_layer(policy, expected):
    x = torch.tensor([0.0, 1, 2, 3, 5, 1, 0, 0])[None, None]
    synapse, *_ = rows_of("lif", 1, 0, fan_in=8, first_layer=policy, x=x)
    assert synapse["energy_pj"] == pytest.approx(expected)


def test_what_is_no_event_has_no_price_as_events():
    x = torch.tensor([0.5, 1.0])[None, None]
    synapse, _, total = rows_of("lif", 1, 0, fan_in=2, first_layer="as_events", x=x)
    assert synapse["energy_pj"] is total["energy_pj"] is None
    assert synapse["sop_eff"] == 20


def test_the_value_of_an_input_that_is_no_number_is_unknown():
    x = torch.tensor([float("inf"), 1.0])[None, None]
    synapse, *_ = rows_of("lif", 1, 0, fan_in=2, x=x)
    assert synapse["sop_value"] is None
    assert synapse["sop_eff"] == 20


WORK = Work(
    mac=100, ac=1000, bias=10, events=50, conv_events=30, spikes=7, updates=40,
    dynamics_mac=40, dynamics_ac=7, dynamics_cmp=40, dynamics_nonlin=3,
)  # fmt: skip
PRICES = {
    "horowitz45-fp32": 140 * 4.6 + 1007 * 0.9,
    "horowitz45-fp16": 140 * 1.5 + 1007 * 0.4,
    "horowitz45-int32": 140 * 3.2 + 1007 * 0.1,
    "horowitz45-int8": 140 * 0.23 + 1007 * 0.03,
    # arithmetic, then addresses (one per operation, two products per event of a convolution), then accesses
    "lemaire": 140 * 3.2 + 1017 * 0.1 + 1100 * 0.1 + 30 * 6.4 + (3 * 1100 + 10 + 50 + 7 + 2 * 40) * 20,
    "loihi": 1100 * 23.6 + 40 * 81,
    "truenorth": 1100 * 26,
}


@pytest.mark.parametrize("name", energy_models.TABLE)
def test_every_model_by_hand(name):
    model = energy_models.parse(name)
    assert model.price(WORK) == pytest.approx(PRICES[name])
    assert model.source
    assert model.name == name
    assert model.verified is (name not in {"lemaire", "truenorth"})


@pytest.mark.parametrize("name", energy_models.TABLE)
def test_models_are_linear_and_unknown_stays_unknown(name):
    price = energy_models.parse(name).price
    assert price(WORK + WORK) == pytest.approx(2 * price(WORK))
    assert price(Work()) == 0
    assert price(UNKNOWN) is None
    assert WORK + UNKNOWN == UNKNOWN


@pytest.mark.parametrize(("neuron", "known"), [("lif", True), ("psn", False), ("psu@scan", False)])
@pytest.mark.parametrize("model", ["loihi", "lemaire", "truenorth"])
def test_chips_that_update_step_by_step_know_no_price_for_a_parallel_neuron(model, neuron, known):
    synapse, layer, total = rows_of(neuron, 4, 0.1, model=model)
    assert synapse["energy_pj"] > 0
    assert (layer["energy_pj"] is not None) is known
    assert (total["energy_pj"] is not None) is known


@pytest.mark.parametrize(
    ("text", "access"), [("lemaire(sram=8)", 10), ("lemaire(sram=20)", 15), ("lemaire(sram=1024)", 100)]
)
def test_the_memory_of_lemaire_is_named(text, access):
    model = energy_models.parse(text)
    assert model.name == text
    assert model.constants["access"] == pytest.approx(access)
    assert text[13:-1] in model.source


def test_undeclared_dynamics_are_unknown_not_nothing():
    layer = {"uncounted": (), "neuron_steps": 12, "spikes": 3}
    work = of_neurons(layer, T=4, ideal=None, serial=False)
    assert work.dynamics_mac is None
    assert work.spikes == 3
    assert energy_models.parse("horowitz45-fp32").price(work) is None


def test_uncounted_synapses_are_unknown():
    assert of_synapse({"uncounted": ("aten.mul",)}, "sparse_mac") == UNKNOWN


def test_a_row_that_could_not_be_counted_makes_the_total_unknown():
    net = nn.Sequential(nn.Linear(3, 4), nn.LSTM(4, 4))
    with torch.no_grad(), Counter(net, {}) as counter:
        net(torch.ones(2, 2, 3))
    pricing = Pricing(energy_models.parse("horowitz45-fp32"), "sparse_mac", "graded")
    rows = {row["layer"]: row for row in layer_rows(counter.counts(), None, 2, pricing)}
    assert rows["0"]["energy_pj"] is not None
    assert rows["0"]["complete"]
    for name in ("1.weight_ih_l0", "total"):
        assert rows[name]["sop_eff"] is rows[name]["energy_pj"] is None
        assert rows[name]["complete"] is False
        assert rows[name]["uncounted"] == ["aten.mkldnn_rnn_layer"]


def test_a_model_of_the_users(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('source = "our chip, 2026"\nmac = 2\nac = 0.5\nnonlin = 10\nverified = true\n')
    model = energy_models.parse(str(path))
    assert (model.name, model.source, model.verified) == ("mine", "our chip, 2026", True)
    assert model.price(WORK) == 140 * 2 + 1007 * 0.5 + 30
    assert model.constants == {"mac": 2.0, "ac": 0.5, "nonlin": 10.0}
    assert "cmp" in model.omits


def test_a_function_is_a_model(tmp_path):
    path = tmp_path / "chip.py"
    path.write_text(
        "def price(work):\n    return None if work.mac is None else 3 * work.mac\nprice.source = 'us'\n"
    )
    model = energy_models.parse(f"{path}:price")
    assert model.price(WORK) == 300
    assert model.price(UNKNOWN) is None
    assert model.source == "us"


GOOD = 'source = "x"\nmac = 1\nac = 1\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD + "macs = 1", 'key "macs"; did you mean "mac"'),
        ('source = "x"\nmac = 1', "has no ac"),
        ("mac = 1\nac = 1", "has no source"),
        ('source = ""\nmac = 1\nac = 1', "source is a string"),
        (GOOD + "cmp = -1", "a non-negative number of picojoules"),
        (GOOD + "cmp = nan", "a non-negative number of picojoules"),
        (GOOD + "cmp = true", "a non-negative number of picojoules"),
        (GOOD + 'verified = "yes"', "true or false"),
        (GOOD + 'name = "loihi"', "like a built-in one"),
        ("mac =", "is not valid TOML"),
    ],
)
def test_wrong_files_are_told(tmp_path, text, complaint):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(PsubenchError, match=complaint):
        energy_models.parse(str(path))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("horowitz", 'did you mean "horowitz45-fp32"'),
        ("loihi(sram=3)", 'has no parameter "sram"; it has none'),
        ("lemaire(ram=3)", 'did you mean "sram"'),
        ("lemaire(sram=1)", "from 8 to 1024"),
        ("lemaire(sram=big)", "from 8 to 1024"),
        ("nothing.toml", "No such file"),
        ("nothing.py:price", "there is no file"),
    ],
)
def test_wrong_names_are_told(text, complaint):
    with pytest.raises(PsubenchError, match=complaint):
        energy_models.parse(text)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("price = 3", "is a int"),
        ("def price(work): return 1", "has source None"),
        ("def price(): return 1\nprice.source = 'us'", "raises TypeError"),
        ("def price(work): return float('nan')\nprice.source = 'us'", "gives nan"),
        ("def price(work): return '3'\nprice.source = 'us'", "gives '3'"),
        ("def price(work): return -1\nprice.source = 'us'", "gives -1"),
    ],
)
def test_wrong_functions_are_told(tmp_path, body, complaint):
    path = tmp_path / "chip.py"
    path.write_text(body)
    with pytest.raises(PsubenchError, match=complaint):
        energy_models.parse(f"{path}:price")


def test_work_has_a_price_for_everything_in_some_model():
    """A count that no price reads would be a field without a reader."""
    every = energy_models.Linear(**dict.fromkeys((f.name for f in fields(energy_models.Linear)), 1.0))
    single = energy_models.Linear(**{**asdict(every), "update": None})
    for name in asdict(WORK):
        one = Work(**{name: 1})
        assert every(one) or single(one)
