"""Networks against brute force over elements and synapses, in every grad mode, dtype and batch split."""

import pytest
import torch
from support.brute_force import DYADIC, of_convolution, of_linear
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from psubench import neurons
from psubench.sops.counter import Counter

T, B = 3, 4
COUNTS = ("sop_unit", "sop_graded", "sop_dense", "sop_eff_nzw", "sop_value", "mac_textbook")
MODES = (torch.enable_grad, torch.no_grad, torch.inference_mode)


class Network(nn.Module):
    """Strided, dilated, grouped, residual, pooled, functional head; keeps what its layers are given."""

    def __init__(self, neuron="lif(threshold=0.5)"):
        super().__init__()
        ref = neurons.parse(neuron)
        self.conv1 = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2, bias=False)
        self.bn = nn.BatchNorm2d(4, eps=0)  # the identity, exactly, at first
        self.conv3 = nn.Conv2d(4, 2, 1, bias=False)
        self.neuron1, self.neuron2 = neurons.build(ref, T), neurons.build(ref, T)
        self.head = nn.Parameter(torch.empty(5, 8))
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for parameter in (*self.conv1.parameters(), self.conv2.weight, self.conv3.weight, self.head):
                draws = torch.randint(len(DYADIC), parameter.shape, generator=generator)
                parameter.copy_(torch.tensor(DYADIC)[draws])
        self.given = {}

    def fire(self, neuron, x):
        return neuron(x.unflatten(0, (-1, self.batch))).flatten(0, 1)

    def forward(self, x):
        self.batch = x.shape[1]
        self.given["conv1"] = y = x.flatten(0, 1)
        self.given["conv2"] = y = self.fire(self.neuron1, self.conv1(y))
        z = self.fire(self.neuron2, self.bn(self.conv2(y)))
        self.given["conv3"] = y = functional.avg_pool2d(y + z, 2)  # values k/4, k up to 8
        self.given["head"] = y = self.conv3(y).flatten(1)
        return functional.linear(y, self.head).unflatten(0, (-1, self.batch)).mean(0)


SPIKING = ("neuron1", "neuron2")


def count_valued(batch=B):
    draws = torch.Generator().manual_seed(1)
    return torch.poisson(torch.full((T, batch, 2, 8, 8), 0.6), generator=draws).clamp(max=3)


def count(network, batches, mode=torch.no_grad, **options):
    spiking = {name: getattr(network, name) for name in SPIKING}
    with mode(), Counter(network, spiking, **options) as counter:
        for x in batches:
            network(x)
    return counter.counts()


def expected(network, x):
    with torch.no_grad():
        network(x)
        given = {name: value.clone() for name, value in network.given.items()}
        found = {
            name: of_convolution(given[name], getattr(network, name)) for name in ("conv1", "conv2", "conv3")
        }
        return found | {"head": of_linear(given["head"], network.head)}


@pytest.fixture
def network():
    return Network().eval()


@pytest.mark.parametrize("mode", MODES)
def test_every_layer_agrees_with_brute_force(network, mode):
    x = count_valued()
    layers = {layer.layer: layer for layer in count(network, [x], mode)}
    due = expected(network, x)
    assert {n: {c: getattr(layers[n], c) for c in COUNTS} for n in due} == due
    assert [layer.layer for layer in layers.values()] == [
        "conv1", "neuron1", "conv2", "neuron2", "conv3", "head"
    ]  # fmt: skip
    assert all(layer.complete and layer.n_samples == B for layer in layers.values())
    assert [name for name, layer in layers.items() if layer.first] == ["conv1"]
    assert layers["conv1"].sop_graded > 0
    assert layers["conv1"].sop_events == layers["conv1"].sop_value


def test_what_stands_beside_the_synapses(network):
    layers = {layer.layer: layer for layer in count(network, [count_valued()])}
    assert layers["conv1"].bias == T * B * 4 * 4 * 4
    assert layers["conv2"].bn == T * B * 4 * 4 * 4
    assert layers["conv2"].residual == T * B * 4 * 4 * 4
    assert layers["conv2"].pooling == T * B * 4 * 4 * 4
    assert layers["head"].pooling == T * B * 5  # the mean over T
    assert layers["head"].bias == layers["conv3"].residual == 0
    assert layers["conv2"].shape == (4, 2, 3, 3)
    assert layers["neuron1"].shape == (4, 4, 4)


def test_spikes_are_those_of_the_neurons(network):
    layers = {layer.layer: layer for layer in count(network, [count_valued()])}
    spikes = network.given["conv2"]  # the output of neuron1, [T·B, 4, 4, 4]
    layer = layers["neuron1"]
    assert layer.spikes == int(spikes.sum()) > 0
    assert layer.spikes_per_step == tuple(spikes.unflatten(0, (T, B)).flatten(1).sum(1).int().tolist())
    assert layer.neuron_steps == spikes.numel()
    assert layer.firing_rate == spikes.mean().item()
    assert layers["conv2"].firing_rate is None


def test_a_split_into_batches_changes_nothing(network):
    x = count_valued()
    whole = count(network, [x])
    assert count(network, x.split([1, 3], dim=1)) == whole
    parts = [count(network, [part]) for part in x.split(2, dim=1)]
    assert [one + other for one, other in zip(*parts, strict=True)] == whole


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_dtype_changes_nothing(dtype):
    # All values are exact in half precision, so spikes and averages are the same.
    network, x = Network().eval(), count_valued()
    expect = count(network, [x])
    assert count(network.to(dtype), [x.to(dtype)]) == expect


def test_textbook_macs_are_half_the_flops(network):
    x = count_valued()
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        network(x)
    assert sum(layer.mac_textbook for layer in count(network, [x])) == flops.get_total_flops() // 2


def test_folded_pooling_counts_sums_of_spikes(network):
    x = count_valued()
    graded = {layer.layer: layer for layer in count(network, [x])}["conv3"]
    folded = {layer.layer: layer for layer in count(network, [x], fold=True)}["conv3"]
    assert folded.sop_eff == graded.sop_eff > 0
    single = (network.given["conv3"] * 4 == 1).sum().item() * 2  # every element reaches two outputs
    assert folded.sop_unit == single > 0
    assert folded.sop_value == graded.sop_value


def test_counting_changes_no_result_and_no_gradient(network):
    x = count_valued().requires_grad_()
    plain = torch.autograd.grad(network(x).square().sum(), [x, network.head])
    with Counter(network, {}) as counter:
        counted = torch.autograd.grad(network(x).square().sum(), [x, network.head])
    assert all(torch.equal(a, b) for a, b in zip(plain, counted, strict=True))
    before = counter.counts()
    network(x)
    assert counter.counts() == before  # nothing is counted after it was left


def test_an_error_inside_leaves_the_counter_usable(network):
    spiking = {name: getattr(network, name) for name in SPIKING}
    with torch.no_grad(), Counter(network, spiking) as counter:
        with pytest.raises(RuntimeError):
            network(torch.zeros(T, B, 3, 8, 8))
        network(count_valued())
    due = {layer.layer: layer.sop_dense for layer in count(network, [count_valued()])}
    assert {layer.layer: layer.sop_dense for layer in counter.counts()} == due


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 1.0])
def test_operations_are_linear_in_the_rate(rate):
    fc = nn.Linear(64, 10)
    x = torch.zeros(T, B, 64)
    x[..., : int(64 * rate)] = 1
    with torch.no_grad(), Counter(fc, {}) as counter:
        fc(x)
    (layer,) = counter.counts()
    assert layer.sop_unit == rate * layer.sop_dense == rate * T * B * 64 * 10
