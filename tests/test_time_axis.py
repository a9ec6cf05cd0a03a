"""Networks of plug-ins: every spiking layer gets [T, B, ...]; copies, lists and lost layers are found."""

import copy

import pytest
import torch

from psubench import models, neurons
from psubench.errors import PsubenchError, WrongError
from psubench.models.network import Network

PLUGIN = """
import copy
import torch
from torch import nn


class Base(nn.Module):
    input_shape = (12,)

    def __init__(self, neuron, T):
        super().__init__()
        self.fc1, self.n1, self.fc2 = nn.Linear(12, 16), neuron(), nn.Linear(16, 10)
        with torch.no_grad():
            self.fc1.weight.fill_(0.3)


class Right(Base):
    def forward(self, x):
        return self.fc2(self.n1(self.fc1(x))).mean(0)


class Named(Base):
    def forward(self, x):
        return self.fc2(self.n1(x=self.fc1(x))).mean(0)


class Loop(Base):
    def forward(self, x):
        return sum(self.fc2(self.n1(self.fc1(now))) for now in x) / len(x)


class LoopSameWidth(Base):
    '''As many features as steps, where T = 16.'''

    def forward(self, x):
        return sum(self.fc2(self.n1(self.fc1(now))) for now in x.unbind(0)) / len(x)


class BatchFirst(Base):
    def forward(self, x):
        return self.fc2(self.n1(self.fc1(x.transpose(0, 1)))).mean(1)


class Merged(Base):
    def forward(self, x):
        T, B = x.shape[:2]
        return self.fc2(self.n1(self.fc1(x.flatten(0, 1)))).unflatten(0, (T, B)).mean(0)


class FeaturesFirst(Base):
    def forward(self, x):
        y = self.n1(self.fc1(x).permute(2, 0, 1))
        return self.fc2(y.permute(1, 2, 0)).mean(0)


class MeanFirst(Base):
    '''Averages over time before the neuron.'''

    def forward(self, x):
        return self.fc2(self.n1(self.fc1(x).mean(0)))


class Tokens(nn.Module):
    '''[T, B * tokens, features]: time first, which is right.'''

    input_shape = (3, 4)

    def __init__(self, neuron, T):
        super().__init__()
        self.fc, self.n, self.out = nn.Linear(4, 6), neuron(), nn.Linear(18, 10)

    def forward(self, x):
        T, B = x.shape[:2]
        return self.out(self.n(self.fc(x.flatten(1, 2))).unflatten(1, (B, 3)).flatten(2)).mean(0)


class Clones(Base):
    def __init__(self, neuron, T, throw_away=False, listed=False, closed=False):
        super().__init__(neuron, T)
        block = nn.Sequential(nn.Linear(12, 12), neuron())
        blocks = [copy.deepcopy(block) for _ in range(3)]
        self.first = nn.Identity() if throw_away else block
        self.blocks = {"all": blocks} if listed else blocks if closed else nn.ModuleList(blocks)
        if closed:
            self.blocks = Hidden(blocks)

    def forward(self, x):
        blocks = self.blocks["all"] if isinstance(self.blocks, dict) else self.blocks
        for block in blocks:
            x = block(x)
        return self.fc2(self.n1(self.fc1(self.first(x)))).mean(0)


class Hidden:
    '''Holds modules where nobody looks.'''

    def __init__(self, blocks):
        self.blocks = blocks

    def __iter__(self):
        return iter(self.blocks)


class NeverCalled(Right):
    def __init__(self, neuron, T):
        super().__init__(neuron, T)
        self.n2 = neuron()


class AllInAList(nn.Module):
    input_shape = (12,)

    def __init__(self, neuron, T):
        super().__init__()
        self.n = [neuron()]

    def forward(self, x):
        return self.n[0](x).mean(0)


class NeverAsks(nn.Module):
    input_shape = (12,)

    def __init__(self, neuron, T):
        super().__init__()
        self.fc = nn.Linear(12, 10)

    def forward(self, x):
        return self.fc(x).mean(0)


class Unpacks(Base):
    def forward(self, x):
        spikes, _ = self.n1(self.fc1(x))
        return self.fc2(spikes).mean(0)


class Insists(Base):
    '''On one batch.'''

    def forward(self, x):
        return self.fc2(self.n1(self.fc1(x.view(8, 5, 12)))).mean(0)
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("axis") / "nets.py"
    path.write_text(PLUGIN)
    return path


def built(plugin, name, T=8, neuron="lif") -> Network:
    ref = models.parse(f"{plugin}:{name}")
    made = neurons.parse(neuron)
    torch.manual_seed(0)
    return models.build(ref, lambda: neurons.build(made, T), T, models.shape_for(ref, None, "data"), 10)


@pytest.mark.parametrize("T", [2, 3, 8, 16])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Loop", "one step at a time"),
        ("LoopSameWidth", "one step at a time"),
        ("BatchFirst", "with the batch first"),
        ("Merged", "steps and samples merged"),
        ("FeaturesFirst", "neither"),
        ("MeanFirst", "(one step at a time|with the batch first)"),  # 16 features look like 16 steps
    ],
)
def test_a_layer_that_does_not_get_all_steps_first_is_wrong_whatever_T_and_B_are(plugin, name, T, told):
    with pytest.raises(WrongError, match=rf"n1 is not called with \[T={T}, B=.*{told}"):
        built(plugin, name, T)


def test_a_neuron_that_refuses_the_shape_does_not_hide_what_the_network_does(plugin):
    with pytest.raises(WrongError, match="steps and samples merged"):
        built(plugin, "Merged", neuron="psn")


@pytest.mark.parametrize("name", ["Right", "Named", "Tokens"])
def test_time_first_is_right(plugin, name):
    made = built(plugin, name)
    assert made.failure is None
    assert [*made.ways.values()] == [models.network.Way.TIME_FIRST]


def test_looking_at_a_network_changes_nothing_in_it(plugin):
    made = built(plugin, "Right")
    torch.manual_seed(0)
    again = models.plugin.made_with(
        models.parse(f"{plugin}:Right"), lambda: neurons.build(neurons.parse("lif"), 8), 8
    )
    assert torch.equal(made.module.fc2.weight, again.fc2.weight)
    assert made.module.training
    assert not made.module.n1._forward_pre_hooks


@pytest.mark.parametrize(
    ("text", "count"),
    [("Clones", 5), ("Clones(throw_away=true)", 4), ("Clones(listed=true)", 5)],
)
def test_deep_copies_of_a_layer_are_spiking_layers(plugin, text, count):
    made = built(plugin, text)
    assert len(made.spiking) == count
    assert len({id(layer) for layer in made.spiking.values()}) == count
    calls = []
    for layer in made.spiking.values():
        layer.register_forward_hook(lambda *_: calls.append(1))
    made.module(torch.zeros(8, 2, 12))
    assert len(calls) == count


def test_copies_that_cannot_be_found_are_named(plugin):
    with pytest.raises(WrongError, match="copies of neuron 1 that it does not hold as modules"):
        built(plugin, "Clones(closed=true)")


def test_a_layer_that_is_never_called_is_named(plugin):
    with pytest.raises(WrongError, match="does not call its spiking layer n2"):
        built(plugin, "NeverCalled")


@pytest.mark.parametrize(
    ("name", "message"),
    [("AllInAList", "holds none of the layers"), ("NeverAsks", "never calls neuron")],
)
def test_a_network_without_spiking_layers_is_refused(plugin, name, message):
    with pytest.raises(PsubenchError, match=message):
        built(plugin, name)


@pytest.mark.parametrize("T", [2, 4])
def test_a_network_that_unpacks_spikes_and_state_takes_every_neuron(plugin, T):
    made = built(plugin, "Unpacks", T)
    assert made.failure is None
    assert made.module(torch.ones(T, 3, 12)).shape == (3, 10)
    twin = copy.deepcopy(made.module)
    assert twin.n1.forward.__self__ is twin.n1


def test_a_network_that_insists_on_its_batch_is_left_to_the_worker(plugin):
    made = built(plugin, "Insists")
    assert "view" in str(made.failure) or "shape" in str(made.failure)
