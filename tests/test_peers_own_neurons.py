"""Networks of SpikingJelly, snnTorch, norse and sinabs: neurons are found, and reset before every call."""

import pytest
import torch

from psubench import models
from psubench.errors import WrongError
from psubench.models.network import Way
from psubench.models.spikes import all_steps, listening


def current(T=6, B=4):
    return (torch.rand(T, B, 12, generator=torch.Generator().manual_seed(0)) < 0.4).float()


PEERS = {
    "spikingjelly": """
from spikingjelly.activation_based import neuron, layer
def net(mode="m"):
    made = nn.Sequential(layer.Linear(12, 16, step_mode=mode), neuron.LIFNode(tau=2., step_mode=mode),
                         layer.Linear(16, 10, step_mode=mode))
    return made
""",
    "snntorch": """
import snntorch
class net(nn.Module):
    def __init__(self, hidden=False, mode="m"):
        super().__init__()
        self.hidden = hidden
        self.fc1, self.fc2 = nn.Linear(12, 16), nn.Linear(16, 10)
        self.lif = snntorch.Leaky(beta=.5, init_hidden=hidden)
    def forward(self, x):
        mem, out = None if self.hidden else self.lif.reset_mem(), []
        for now in x:
            if self.hidden:
                s = self.lif(self.fc1(now))
            else:
                s, mem = self.lif(self.fc1(now), mem)
            out.append(self.fc2(s))
        return torch.stack(out)
""",
    "norse": """
from norse.torch import LIFBoxCell
class net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.lif, self.fc2 = nn.Linear(12, 16), LIFBoxCell(), nn.Linear(16, 10)
    def forward(self, x):
        state, out = None, []
        for now in x:
            s, state = self.lif(3 * self.fc1(now), state)
            out.append(self.fc2(s))
        return torch.stack(out), state
""",
    "sinabs": """
import sinabs.layers as sl
class net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(12, 16), nn.Linear(16, 10)
        self.lif = sl.LIF(tau_mem=5., norm_input=False)
    def forward(self, x):
        return self.fc2(self.lif(self.fc1(x.transpose(0, 1))))
""",
}


@pytest.mark.parametrize(
    ("library", "text", "way"),
    [
        ("spikingjelly", "net", Way.TIME_FIRST),
        ("spikingjelly", "net(mode=s)@step", Way.STEPS),
        ("snntorch", "net", Way.STEPS),
        ("snntorch", "net(hidden=true)", Way.STEPS),
        ("norse", "net", Way.STEPS),
        ("sinabs", "net", Way.BATCH_FIRST),
    ],
)
def test_neurons_of_libraries_are_found_and_their_state_is_put_back(library, text, way, tmp_path):
    pytest.importorskip(library)
    (tmp_path / "peer.py").write_text("import torch\nfrom torch import nn\n" + PEERS[library])
    torch.manual_seed(0)
    made = models.build(models.parse(f"{tmp_path}/peer.py:{text}"), None, 6, (12,), 10)
    assert made.failure is None
    assert [*made.ways.values()] == [way]
    x, found = 3 * current(), []
    for batch in (4, 2, 4):
        heard = []
        name = next(iter(made.spiking))
        with (
            torch.no_grad(),
            listening(made.spiking, lambda _, __, spikes, heard=heard: heard.append(spikes)),
        ):
            made.module.eval()(x[:, :batch])
        found.append(all_steps(made, name, heard, (6, batch)))
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[0][:, :2], found[1])
    assert found[0].any()


@pytest.mark.parametrize(
    ("library", "text", "message"),
    [
        ("spikingjelly", "net(mode=s)", "LIFNode of spikingjelly, takes one step at a time.*write .*@step"),
        ("spikingjelly", "net@step", "takes all steps at once"),
    ],
)
def test_a_library_s_neuron_that_is_called_otherwise_than_it_means_is_wrong(library, text, message, tmp_path):
    pytest.importorskip(library)
    (tmp_path / "peer.py").write_text("import torch\nfrom torch import nn\n" + PEERS[library])
    with pytest.raises(WrongError, match=message):
        models.build(models.parse(f"{tmp_path}/peer.py:{text}"), None, 6, (12,), 10)


def test_an_unrolled_cell_in_a_sequential_asks_for_step(tmp_path):
    pytest.importorskip("snntorch")
    (tmp_path / "peer.py").write_text(
        "import snntorch\nfrom torch import nn\n"
        "leaky = snntorch.Leaky(beta=.5, init_hidden=True)\n"
        "net = nn.Sequential(nn.Linear(12, 16), leaky, nn.Linear(16, 10))\n"
    )
    with pytest.raises(WrongError, match=r"Leaky of snntorch, takes one step at a time.*peer.py:net@step"):
        models.build(models.parse(f"{tmp_path}/peer.py:net"), None, 6, (12,), 10)
    made = models.build(models.parse(f"{tmp_path}/peer.py:net@step"), None, 6, (12,), 10)
    assert made.ways == {"1": Way.STEPS}
