"""Networks: geometry against the published counts, and layer mode against step mode."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from psubench import models, neurons
from psubench.errors import PsubenchError

# Parameters without the neurons', MAC per frame, spiking units per frame.
COUNTS = {
    "vggsnn": (9_268_746, 1_361_608_704 + 46_080, 921_600),
    "shd": (125_332, 700 * 128 + 2 * 128 * 128 + 128 * 20, 3 * 128),
    "shd-wide": (1_792_020, 700 * 1024 + 1024 * 1024 + 1024 * 20, 2 * 1024),
    "seqcifar": (
        513_418,
        128 * 3 * (3 + 128 + 128) * 32 + 3 * 128 * 3 * 128 * 16 + 1024 * 256 + 2560,
        3 * 128 * 48 + 256,
    ),
    "cifarnet": (
        None,
        256 * 9 * (3 + 256 + 256) * 1024 + 3 * 256 * 9 * 256 * 256 + 16384 * 4096 + 40960,
        3 * 256 * (1024 + 256) + 4096,
    ),
}


def network(text, neuron="lif", T=2, input_shape=None, classes=None):
    ref = models.parse(text)
    shape = input_shape or models.TABLE[ref.kind].input_shape
    made = neurons.parse(neuron)
    torch.manual_seed(0)
    return models.build(
        ref, lambda: neurons.build(made, T), T, shape, classes or models.TABLE[ref.kind].classes
    )


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_macs_and_units_are_the_published(name):
    parameters, macs, units = COUNTS[name]
    with torch.device("meta"):
        made = network(name, T=1)
    if parameters is not None:
        assert sum(p.numel() for p in made.module.parameters()) == parameters
    found = []
    for layer in made.spiking.values():
        layer.register_forward_hook(lambda module, given, output: found.append(output.numel()))
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        made.module.eval()(torch.zeros(1, 1, *made.input_shape, device="meta"))
    assert flops.get_total_flops() == 2 * macs
    assert sum(found) == units


def test_spiking_layers_are_named_in_their_order():
    made = network("vggsnn(width=0.02)")
    assert list(made.spiking) == [f"neuron{i}" for i in range(1, 9)]
    assert dict(made.module.named_modules())["neuron3"] is made.spiking["neuron3"]


@pytest.mark.parametrize(
    ("text", "convolutions", "channels"),
    [
        ("vggsnn(width=0.25)", 8, [16, 32, 64, 64, 128, 128, 128, 128]),
        ("vggsnn(depth=1,width=0.5)", 4, [32, 128, 256, 256]),
    ],
)
def test_width_and_depth_scale(text, convolutions, channels):
    with torch.device("meta"):
        made = network(text)
    found = [m.out_channels for m in made.module.modules() if isinstance(m, nn.Conv2d)]
    assert len(found) == convolutions
    assert found == channels


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("vggsnn(width=0.05)", None),
        ("shd", None),
        ("shd-wide(width=0.05)", None),
        ("seqcifar(width=0.1)", None),
        ("cifarnet(width=0.02)", None),
        ("mlp", (13, 2)),
    ],
)
@pytest.mark.parametrize("neuron", ["lif", "if(reset=hard)", "plif", "lif(detach_reset=false)"])
@pytest.mark.slow
def test_step_mode_gives_the_logits_and_gradients_of_layer_mode(text, shape, neuron):
    T = 10
    made = network(text, neuron, T, shape)
    module = made.module.double()
    x = torch.rand(T, 3, *made.input_shape, dtype=torch.float64) * 2
    module.train()
    module(x)  # running statistics that are not the initial ones
    module.eval()
    spikes = {}
    for name, layer in made.spiking.items():
        layer.register_forward_hook(lambda m, given, output, name=name: spikes.update({name: output}))
    found, stepped = [], {}
    for run in (module, lambda x: module.step_by_step(x, lambda n, s: stepped.setdefault(n, []).append(s))):
        leaf = x.clone().requires_grad_(True)
        logits = run(leaf)
        inputs = [leaf, *module.parameters()]
        found.append((logits, torch.autograd.grad(logits.square().sum(), inputs)))
    assert sum(s.sum() for s in spikes.values()) > 0
    for name, layer_spikes in spikes.items():
        assert torch.equal(torch.stack(stepped[name]), layer_spikes)
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-9, atol=1e-12)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-10)


def test_the_same_psu_network_gives_identical_logits_twice_and_for_any_split_of_the_batch():
    made = network("vggsnn(width=0.05)", "psu", T=10)
    module = made.module.double().eval()
    x = torch.rand(10, 4, 2, 48, 48, dtype=torch.float64)
    whole = module(x)
    assert torch.equal(whole, module(x))
    torch.testing.assert_close(torch.cat([module(x[:, :1]), module(x[:, 1:])]), whole, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("vgg", 'did you mean "vggsnn"'),
        ("vggsnn(wdith=2)", 'did you mean "width"'),
        ("vggsnn(width=0)", "width is a number from"),
        ("shd(depth=1.5)", "depth is a whole number"),
        ("shd(width=true)", "width is a number"),
        ("", "does not name a model"),
        ("nofile.py:Net", 'there is no file "nofile.py"'),
    ],
)
def test_bad_names(text, complaint):
    with pytest.raises(PsubenchError, match=complaint):
        models.parse(text)


def test_canonical_names_read_back():
    ref = models.parse("vggsnn( width=0.250, depth = 2)")
    assert ref.name == "vggsnn(width=0.25)"
    assert models.parse(ref.name) == ref


def test_data_of_another_shape_are_refused():
    with pytest.raises(PsubenchError, match=r"takes steps of shape \[700\], digits has \[26\]"):
        models.shape_for(models.parse("shd"), (26,), "digits")
    with pytest.raises(PsubenchError, match="takes its shape from the data"):
        models.shape_for(models.parse("mlp"), None, "normal")
    assert models.shape_for(models.parse("mlp"), (26,), "digits") == (26,)
    assert models.shape_for(models.parse("shd"), None, "normal") == (700,)


PLUGIN = """
from torch import nn

class Net(nn.Module):
    input_shape = (5,)
    def __init__(self, neuron, T, hidden=4):
        super().__init__()
        self.fc, self.spikes, self.unused = nn.Linear(5, hidden), neuron(), None
    def forward(self, x):
        return self.spikes(self.fc(x)).mean(0)

class NoShape(Net):
    input_shape = "5"

def raises(neuron, T):
    raise RuntimeError("no")

def nothing(neuron, T):
    return nn.Linear(5, 2)

raises.input_shape = nothing.input_shape = (5,)
"""


def test_a_plug_in_network(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(PLUGIN)
    ref = models.parse(f"{path}:Net(hidden=3)")
    shape = models.shape_for(ref, None, "normal")
    made = models.build(ref, lambda: neurons.build(neurons.parse("psn"), 6), 6, shape, 10)
    assert list(made.spiking) == ["spikes"]
    assert made.module(torch.rand(6, 2, 5)).shape == (2, 3)
    with pytest.raises(PsubenchError, match="input_shape '5'"):
        models.shape_for(models.parse(f"{path}:NoShape"), None, "normal")
    for name, complaint in (("raises", "raises RuntimeError: no"), ("nothing", r"never calls neuron\(\)")):
        bad = models.parse(f"{path}:{name}")
        with pytest.raises(PsubenchError, match=complaint):
            models.build(bad, lambda: neurons.build(neurons.parse("lif"), 6), 6, (5,), 10)
    bad = models.parse(f"{path}:Net(width=3)")
    with pytest.raises(PsubenchError, match="cannot be called"):
        models.build(bad, lambda: neurons.build(neurons.parse("lif"), 6), 6, (5,), 10)
