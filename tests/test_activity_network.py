"""Calibration, counting over batches, and the pictures for the figures."""

import pytest
import torch
from torch import nn

from psubench import models, neurons
from psubench.sops.network import MAP_CHANNELS, RASTER_NEURONS, calibrate, count, pictures, spread

pytestmark = pytest.mark.slow

T, B = 4, 3


def network(text="vggsnn(width=0.03)", neuron="lif"):
    torch.manual_seed(0)
    ref = neurons.parse(neuron)
    model = models.parse(text)
    shape = models.TABLE[model.kind].input_shape
    return models.build(model, lambda: neurons.build(ref, T), T, shape, 10)


def events(seed, batch=B):
    draws = torch.Generator().manual_seed(seed)
    return (torch.rand(T, batch, 2, 48, 48, generator=draws) < 0.1).float()


def test_calibration_gives_the_moments_that_the_layers_meet():
    made = network()
    batches = [events(1), events(2)]
    before = {name: p.clone() for name, p in made.module.named_parameters()}
    assert calibrate(made.module, batches) == 8
    with torch.no_grad():
        met = torch.stack([made.module.conv1(x.flatten(0, 1)).mean((0, 2, 3)) for x in batches]).mean(0)
    torch.testing.assert_close(made.module.bn1.running_mean, met)
    assert not any(module.training for module in made.module.modules())
    assert made.module.bn1.momentum == 0.1
    assert all(torch.equal(p, before[name]) for name, p in made.module.named_parameters())


def test_without_calibration_deep_layers_are_silent_and_with_it_they_fire():
    rates = []
    for batches in ((), [events(1), events(2)]):
        made = network()
        if batches:
            calibrate(made.module, batches)
        layers = {c.layer: c for c in count(made.module.eval(), made.spiking, [events(3)])}
        rates.append(layers["neuron8"].firing_rate)
    assert rates[0] == 0
    assert 0.001 < rates[1] < 0.5


def test_a_network_without_normalisation_is_left_alone():
    assert calibrate(nn.Linear(2, 2), iter(())) == 0


def test_counts_add_up_over_batches_and_every_batch_is_marked():
    made, marks = network(), []
    calibrate(made.module, [events(1)])
    found = count(made.module, made.spiking, [events(3), events(4, 1)], mark=lambda: marks.append(1))
    assert marks == [1, 1]
    assert {layer.n_samples for layer in found} == {B + 1}
    parts = [count(made.module, made.spiking, [x]) for x in (events(3), events(4, 1))]
    assert found == [one + other for one, other in zip(*parts, strict=True)]


@pytest.mark.parametrize("neuron", ["lif", "psn", "spsn"])
def test_pictures_are_the_spikes_of_the_sample(neuron):
    made = network("vggsnn(width=0.1)", neuron)
    calibrate(made.module, [events(1)])
    outputs = {}
    for name, layer in made.spiking.items():
        layer.register_forward_hook(lambda _m, _a, output, name=name: outputs.update({name: output[:, 0]}))
    drawn = pictures(made, events(3)[:, :1])
    assert [found["layer"] for found in drawn["maps"]] == ["neuron1", "neuron5", "neuron8"]
    for found in drawn["maps"]:
        channels = found["channels"]
        assert len(channels) == MAP_CHANNELS
        expected = outputs[found["layer"]][:, channels].sum(0)
        assert torch.equal(torch.tensor(found["spikes"]), expected.long())
    assert list(outputs) == [found["layer"] for found in drawn["raster"]]
    for found in drawn["raster"]:
        shown = torch.zeros(T, len(found["neurons"]))
        for t, place in found["spikes"]:
            shown[t, place] = 1
        assert torch.equal(shown, outputs[found["layer"]].flatten(1)[:, found["neurons"]])
        assert len(found["neurons"]) == min(RASTER_NEURONS, found["of"])


def test_flat_layers_have_no_maps():
    made = network("shd(width=0.1)")
    drawn = pictures(made, torch.ones(T, 1, 700))
    assert drawn["maps"] == []
    assert [found["layer"] for found in drawn["raster"]] == ["neuron1", "neuron2", "neuron3"]


@pytest.mark.parametrize(
    ("of", "most", "expected"), [(3, 4, [0, 1, 2]), (8, 3, [0, 4, 7]), (9, 3, [0, 4, 8]), (100, 2, [0, 99])]
)
def test_spread(of, most, expected):
    assert spread(of, most) == expected


def test_a_spiking_layer_in_a_plain_list_is_counted_and_says_where_it_is(tmp_path):
    (tmp_path / "lost.py").write_text(
        "import torch.nn as nn\n"
        "class Net(nn.Module):\n"
        "    input_shape = (8,)\n"
        "    def __init__(self, neuron, T):\n"
        "        super().__init__()\n"
        "        self.a, self.b, self.c = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 5)\n"
        "        self.first, self.others = neuron(), [neuron()]\n"
        "    def forward(self, x):\n"
        "        return self.c(self.others[0](self.b(self.first(self.a(x))))).mean(0)\n"
    )
    ref = neurons.parse("plif")  # with a weight of its own, which is not a synapse
    made = models.build(models.parse(f"{tmp_path}/lost.py:Net"), lambda: neurons.build(ref, T), T, (8,), 5)
    x = (torch.rand(T, B, 8, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    layers = {layer.layer: layer for layer in count(made.module, made.spiking, [x])}
    steps = {name: layer.neuron_steps for name, layer in layers.items() if layer.role == "neuron"}
    assert steps == {"first": T * B * 16, "outside of the module: neuron 1": T * B * 16}
    assert {name for name, layer in layers.items() if layer.role == "synapse"} == {"a", "b", "c"}
    assert all(layer.complete for layer in layers.values())
