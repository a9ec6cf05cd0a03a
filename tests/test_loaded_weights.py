"""Weights that a constructor has loaded, and weights that something else than psubench has written."""

import pytest
import torch
from safetensors.torch import save_file
from support.jobs import ignore, job_of
from torch import nn

from psubench import models, neurons
from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.experiments.sparsity.options import SparsityOptions
from psubench.experiments.sparsity.plan import AS_BUILT, count_blocks
from psubench.experiments.sparsity.probe import ActivityProbe
from psubench.models.loaded import loads_weights
from psubench.training.weights import load

PLUGIN = '''
import torch
from torch import nn


class Fresh(nn.Module):
    input_shape = (12,)

    def __init__(self, neuron, T):
        super().__init__()
        self.fc1, self.bn, self.n1 = nn.Linear(12, 16), nn.BatchNorm1d(16), neuron()
        self.fc2 = nn.Linear(16, 10)

    def forward(self, x):
        T, B = x.shape[:2]
        return self.fc2(self.n1(self.bn(self.fc1(x.flatten(0, 1))).unflatten(0, (T, B)))).mean(0)


class Pretrained(Fresh):
    """As in the case of this name: statistics and weights of a training."""

    def __init__(self, neuron, T):
        super().__init__(neuron, T)
        g = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for p in self.parameters():
                p.copy_(torch.rand(p.shape, generator=g) * 0.4)
            self.bn.weight.fill_(1.0)
            self.bn.bias.fill_(1.2)
            self.bn.running_mean.fill_(0.2)
            self.bn.running_var.fill_(0.5)
            self.bn.num_batches_tracked.fill_(5000)


class StatisticsAlone(Fresh):
    def __init__(self, neuron, T):
        super().__init__(neuron, T)
        self.bn.num_batches_tracked.fill_(3)


class OneLayerLoaded(Fresh):
    def __init__(self, neuron, T):
        super().__init__(neuron, T)
        with torch.no_grad():
            self.fc2.weight.copy_(torch.arange(160.0).view(10, 16) / 160)


class ZeroHead(Fresh):
    """Begins with a head of zeros, which is not a training."""

    def __init__(self, neuron, T):
        super().__init__(neuron, T)
        nn.init.zeros_(self.fc2.weight)


class SeedsItself(Fresh):
    def __init__(self, neuron, T):
        torch.manual_seed(0)
        super().__init__(neuron, T)


def flat(T, batch, seed, split):
    g = torch.Generator().manual_seed(7)
    yield (torch.rand(T, batch, 12, generator=g) < 0.3).float(), torch.arange(batch) % 10


flat.classes = 10
'''
T = 8


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("loaded") / "net.py"
    path.write_text(PLUGIN)
    return path


def built(plugin, name):
    ref = models.parse(f"{plugin}:{name}")
    return models.build(ref, lambda: neurons.build(neurons.parse("lif"), T), T, (12,), 10)


@pytest.mark.parametrize(
    ("name", "loads"),
    [
        ("Fresh", False),
        ("ZeroHead", False),
        ("SeedsItself", False),
        ("Pretrained", True),
        ("StatisticsAlone", True),
        ("OneLayerLoaded", True),
    ],
)
def test_what_a_constructor_loads_is_told_from_what_it_draws(plugin, name, loads):
    torch.manual_seed(4)
    network = built(plugin, name)
    assert loads_weights(network, lambda: built(plugin, name), seed=4) is loads


def counted(plugin, name, **options):
    """What the worker of `psubench sparsity` finds."""
    (block,) = count_blocks(
        SparsityOptions(
            model=f"{plugin}:{name}",
            data=f"{plugin}:flat",
            T=(T,),
            batch=(6,),
            samples=6,
            neurons="lif",
            **options,
        ),
        "cpu",
    )
    (entry,) = block.entries
    job = job_of(block.case.canonical(), entry.text)
    (outcome,) = ActivityProbe(job, ignore, ignore).run().cases
    assert outcome.message is None
    return outcome


@pytest.fixture(autouse=True)
def _in_process(monkeypatch):
    monkeypatch.setattr("psubench.experiments.network_neurons.brings_neurons", lambda _: False)


def test_a_pretrained_network_is_counted_as_it_was_trained(plugin):
    found = counted(plugin, "Pretrained")
    layers = {layer.layer: layer for layer in found.layers}
    assert layers["n1"].firing_rate == pytest.approx(0.855, abs=5e-4)
    assert layers["fc2"].sop_eff / 6 == pytest.approx(1095, abs=0.5)
    assert found.calibrated_layers == 0
    assert found.weights == "set by the network's constructor"


def test_calibration_is_of_untrained_networks_and_can_be_left_out(plugin):
    fresh, as_built = counted(plugin, "Fresh"), counted(plugin, "Fresh", calibrate=False)
    assert (fresh.calibrated_layers, fresh.weights) == (1, "untrained")
    assert (as_built.calibrated_layers, as_built.weights) == (0, AS_BUILT)


@pytest.fixture(scope="module")
def trained(plugin):
    """A network whose weights are numbers that no draw gives."""
    module = built(plugin, "Fresh").module
    for n, parameter in enumerate(module.parameters()):
        nn.init.constant_(parameter, 0.5 + n)
    module.bn.running_mean.fill_(0.25)
    return module


def written(folder, module, how):
    state = module.state_dict()
    forms = {
        "state_dict": state,
        "ddp": {f"module.{name}": value for name, value in state.items()},
        "compiled ddp": {f"module._orig_mod.{name}": value for name, value in state.items()},
        "in a dictionary": {"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}},
        "ddp in a dictionary": {"model": {f"module.{name}": value for name, value in state.items()}},
        "lightning": {"state_dict": {f"model.{name}": value for name, value in state.items()}, "epoch": 3},
    }
    if how.startswith("safetensors"):
        prefix = "module." if how.endswith("ddp") else ""
        save_file(
            {prefix + name: value.contiguous() for name, value in state.items()}, folder / "w.safetensors"
        )
        return folder / "w.safetensors"
    torch.save(forms[how], folder / "w.pth")
    return folder / "w.pth"


FORMS = [
    "state_dict", "ddp", "compiled ddp", "in a dictionary", "ddp in a dictionary", "lightning", "safetensors",
    "safetensors ddp",
]  # fmt: skip


@pytest.mark.parametrize("how", FORMS)
def test_weights_from_elsewhere_fit_whatever_wrapper_wrote_them(plugin, trained, how, tmp_path):
    path = written(tmp_path, trained, how)
    ref = models.parse(f"{plugin}:Fresh")
    found = load(path, model=ref, neuron=neurons.parse("lif"), T=T)
    fresh = built(plugin, "Fresh").module
    found.into(fresh)
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in fresh.state_dict().items())
    assert found.origin == f"from {path.name}, trained elsewhere"


def test_weights_from_elsewhere_are_neither_calibrated_nor_called_untrained(plugin, trained, tmp_path):
    found = counted(plugin, "Fresh", checkpoint=str(written(tmp_path, trained, "ddp")))
    assert found.calibrated_layers == 0
    assert "elsewhere" in found.weights


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3, "loss": 0.5}, "holds no weights: epoch, loss"),
        ({}, "holds no weights"),
        ([1, 2], "holds no weights: list"),
        ({"fc1.weight": torch.zeros(16, 12)}, "does not fit this network: Missing key"),
        ({"other.weight": torch.zeros(3, 3)}, "does not fit this network"),
    ],
)
def test_files_without_the_weights_of_this_network_are_refused(plugin, content, message, tmp_path):
    torch.save(content, tmp_path / "w.pt")
    ref = models.parse(f"{plugin}:Fresh")
    with pytest.raises(PsubenchError, match=message) as caught:
        load(tmp_path / "w.pt", model=ref, neuron=neurons.parse("lif"), T=T).into(
            built(plugin, "Fresh").module
        )
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code in (2, NOT_COMPARABLE)
