"""Networks that bring their neurons along: found, reset before every call, counted as they are."""

import pytest
import torch
from torch import nn

from psubench import models
from psubench.errors import PsubenchError, WrongError
from psubench.models.network import Way
from psubench.models.own_neurons import logits
from psubench.models.spikes import all_steps, listening

PLUGIN = '''
import torch
from torch import nn

torch.manual_seed(3)


class Lif(nn.Module):
    """One step at a time; its membrane is an attribute, or a buffer."""

    def __init__(self, buffered=False):
        super().__init__()
        self.buffered = buffered
        if buffered:
            self.register_buffer("v", torch.zeros(()))
        else:
            self.v = 0.0
        self.history = []

    def forward(self, x):
        h = self.v + (x - self.v) / 2
        s = (h >= 1).to(x.dtype)
        self.v = h - s
        self.history.append(s)
        return s


class Loop(nn.Module):
    input_shape = (12,)

    def __init__(self, buffered=False):
        super().__init__()
        self.fc1, self.lif, self.fc2 = nn.Linear(12, 16), Lif(buffered), nn.Linear(16, 10)
        with torch.no_grad():
            self.fc1.weight.copy_(torch.linspace(0, 0.8, 192).view(16, 12))
            self.fc1.bias.zero_()
        self.seen = 0

    def forward(self, x):
        self.seen += 1
        return torch.stack([self.fc2(self.lif(self.fc1(now))) for now in x])


class Step(Loop):
    def forward(self, x):
        return self.fc2(self.lif(self.fc1(x)))


class Pairs(Loop):
    """Lists of all steps, as snnTorch's tutorials collect them."""

    def forward(self, x):
        out = [self.fc2(self.lif(self.fc1(now))) for now in x]
        return torch.stack(out), [None] * len(out)


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1, self.layer2 = nn.ModuleDict({"lif": Lif()}), nn.ModuleDict({"lif": Lif()})
        self.fc = nn.Linear(12, 10)

    def forward(self, x):
        return sum(self.fc(self.layer2["lif"](self.layer1["lif"](2 * now))) for now in x)


class Nothing(nn.Module):
    def forward(self, x):
        return x.mean(0)


class Odd(Loop):
    def forward(self, x):
        super().forward(x)
        return torch.zeros(7, 7)


class Breaks(Loop):
    def forward(self, x):
        raise RuntimeError("no such weather")


class Unnecessary(Loop):
    def __init__(self):
        super().__init__()
        self.lif2 = Lif()


def kwargs_only(**kwargs):
    return Loop(**kwargs)


def with_T(T, buffered=False):
    assert T == 6
    return Loop(buffered)


def raises(width=1):
    raise ValueError("no width")


def gives(width=1):
    return [1, 2]


sequence = nn.Sequential(nn.Linear(12, 16), Lif(), nn.Linear(16, 10))
number = 3


class WrongShape(Loop):
    input_shape = (0, 3)


class Twelve(Loop):
    input_shape = (13,)
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "nets.py"
    path.write_text(PLUGIN)
    return path


def built(plugin, text, spiking=None, T=6):
    ref = models.parse(f"{plugin}:{text}", spiking)
    return models.build(ref, None, T, (12,), 10)


def current(T=6, B=4):
    return (torch.rand(T, B, 12, generator=torch.Generator().manual_seed(0)) < 0.4).float()


def by_hand(module, x):
    """Soft-reset LIF, tau 2, over what the first layer gives."""
    v, spikes = 0.0, []
    for now in x:
        h = v + (module.fc1(now) - v) / 2
        spikes.append((h >= 1).float())
        v = h - spikes[-1]
    return torch.stack(spikes)


@pytest.mark.parametrize(
    "text",
    [
        "Loop",
        "Loop(buffered=true)",
        "Step@step",
        "Step(buffered=true)@step",
        "Pairs",
        "with_T",
        "kwargs_only",
    ],
)
def test_state_is_fresh_in_every_call_and_spikes_are_those_by_hand(plugin, text):
    made, x = built(plugin, text, "lif"), current()
    assert made.own
    assert made.failure is None
    assert made.ways == {"lif": Way.STEPS}
    for batch in (4, 2, 4):
        heard = []
        with (
            torch.no_grad(),
            listening(made.spiking, lambda _, __, spikes, heard=heard: heard.append(spikes)),
        ):
            out = made.module(x[:, :batch])
        due = by_hand(made.module, x[:, :batch])
        assert torch.equal(all_steps(made, "lif", heard, (6, batch)), due)
        assert torch.allclose(out, made.module.fc2(due).mean(0), atol=1e-6)
    assert 0 < float(due.mean()) < 1


def test_what_is_loaded_into_a_layer_stays(plugin):
    made = built(plugin, "Loop(buffered=true)", "lif")
    made.module.fc1.bias.data.fill_(0.5)
    made.module.load_state_dict({**made.module.state_dict(), "fc2.bias": torch.full((10,), 7.0)})
    made.module(current())
    assert made.module.fc2.bias.tolist() == [7.0] * 10


def test_patterns_name_layers_by_their_place(plugin):
    made = built(plugin, "Nested", "layer*.lif")
    assert list(made.spiking) == ["layer1.lif", "layer2.lif"]
    assert list(built(plugin, "Nested[layer2.lif]").spiking) == ["layer2.lif"]
    assert built(plugin, "Nested", "layer[12].lif").spiking.keys() == made.spiking.keys()


def test_an_instance_is_a_network_and_stays_as_it_was(plugin):
    made = built(plugin, "sequence@step", "1")
    made.module(current())
    from psubench import plugins

    assert plugins.load(f"{plugin}:sequence")[1].history == []


def test_names_of_models_are_read_back():
    for text in ("a.b:Net@step", "a.b:Net(width=2)@step[lif*,out.1]", "a.b:Net[layer[0-9].lif]"):
        assert models.parse(text).name == text
        assert models.parse(models.parse(text).name) == models.parse(text)
    assert models.parse("a.b:Net@step(width=2)", "x").name == "a.b:Net(width=2)@step[x]"


@pytest.mark.parametrize(
    ("text", "spiking", "message"),
    [
        (
            "Loop",
            None,
            "none of its modules is a known spiking layer; name its spiking layers with --spiking",
        ),
        ("Loop", "lief", 'no module matches --spiking "lief"; did you mean "lif"'),
        ("Loop", "layer*.lif", "no module matches"),
        ("Nothing", None, "its modules are none"),
        ("raises", "lif", "raises ValueError: no width"),
        ("gives", "lif", "gives a list"),
        ("number", "lif", "is a int"),
        ("Loop(width=3)", "lif", "cannot be called"),
        ("sequence(width=3)", "1", "is built already"),
        ("absent", "lif", 'has no "absent"'),
        ("Loop", "lif,,fc1", "empty pattern"),
        ("Loop", "", "empty pattern"),
        ("Loop", "a(b)", "not a pattern of names"),
        ("Loop@loop", "lif", "a network is called at once, or @step"),
    ],
)
def test_what_cannot_be_measured_is_told_in_one_line(plugin, text, spiking, message):
    with pytest.raises(PsubenchError, match=message) as caught:
        built(plugin, text, spiking)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["Odd", "Breaks"])
def test_a_network_that_fails_says_so_when_it_is_called(plugin, text):
    assert built(plugin, text, "lif").failure is not None


def test_a_named_layer_that_is_never_called_is_wrong(plugin):
    with pytest.raises(WrongError, match="does not call its spiking layer lif2"):
        built(plugin, "Unnecessary", "lif*")


@pytest.mark.parametrize(
    ("output", "shape"),
    [
        (torch.zeros(3, 10), (3, 10)),
        (torch.zeros(6, 3, 10), (3, 10)),
        (torch.zeros(3, 6, 10), (3, 10)),
        ([torch.zeros(3, 10)] * 6, (3, 10)),
        ([(torch.zeros(3, 10), None)] * 6, (3, 10)),
        ((torch.zeros(6, 3, 10), torch.zeros(6, 3, 10)), (3, 10)),
        (torch.zeros(3), (3, 1)),
    ],
)
def test_outputs_of_every_form_become_logits(output, shape):
    assert logits(output, (6, 3)).shape == shape


@pytest.mark.parametrize("output", [torch.zeros(6, 10), None, [], torch.zeros(())])
def test_an_output_without_samples_is_refused(output):
    with pytest.raises(PsubenchError, match="the network gives"):
        logits(output, (6, 3))


def test_known_classes_are_not_looked_into(tmp_path):
    (tmp_path / "ours.py").write_text(
        "from torch import nn\nfrom psubench import neurons\n"
        "def net(T):\n"
        "    lif = neurons.build(neurons.parse('lif'), T)\n"
        "    return nn.Sequential(nn.Linear(12, 10), lif)\n"
    )
    made = models.build(models.parse(f"{tmp_path}/ours.py:net"), None, 6, (12,), 10)
    assert list(made.spiking) == ["1"]
    assert isinstance(made.module, nn.Sequential)
