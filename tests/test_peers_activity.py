"""Operations as NeuroBench and sinabs count them, on networks that both count right.

Both are installed without what they depend on (`pip install --no-deps neurobench snntorch tqdm` and
`pip install --no-deps sinabs nir nirtorch pbr`), which would bring another torch.
"""

import pytest
import torch
from torch import nn

from psubench import neurons
from psubench.sops.counter import Counter

pytestmark = pytest.mark.slow

T, B = 4, 3


class Network(nn.Module):
    """Convolutions of different geometry and a linear head, spikes in front of each, every third weight 0."""

    def __init__(self):
        super().__init__()
        ref = neurons.parse("lif(threshold=0.05)")
        self.conv1 = nn.Conv2d(2, 4, 3, stride=2, padding=1, bias=False)
        self.conv2 = nn.Conv2d(4, 6, 3, padding=1, bias=False)
        self.neuron1, self.neuron2 = neurons.build(ref, T), neurons.build(ref, T)
        self.fc = nn.Linear(6 * 4 * 4, 10, bias=False)
        with torch.no_grad():
            for weight in self.parameters():
                weight.flatten()[::3] = 0

    def forward(self, x):
        steps = tuple(x.shape[:2])
        x = self.neuron1(self.conv1(x.flatten(0, 1)).unflatten(0, steps))
        x = self.neuron2(self.conv2(x.flatten(0, 1)).unflatten(0, steps))
        return self.fc(x.flatten(0, 1).flatten(1)).unflatten(0, steps).mean(0)


@pytest.fixture
def run():
    """The network, and what its layers are given for some input."""
    torch.manual_seed(2)
    network = Network().eval()
    given = {}
    for name in ("conv1", "conv2", "fc"):
        hook = lambda _m, args, name=name: given.update({name: args[0]})  # noqa: E731
        getattr(network, name).register_forward_pre_hook(hook)
    x = (torch.rand(T, B, 2, 8, 8) < 0.3).float()
    with (
        torch.no_grad(),
        Counter(network, {n: getattr(network, n) for n in ("neuron1", "neuron2")}) as counter,
    ):
        network(x)
    layers = {layer.layer: layer for layer in counter.counts()}
    assert layers["fc"].sop_eff > layers["fc"].sop_eff_nzw > 0
    return network, given, layers


@pytest.mark.filterwarnings("ignore")
def test_neurobench_counts_the_same_without_zero_weights(run):
    reason = "NeuroBench is not installed, see the head of this file"
    macs = pytest.importorskip("neurobench.metrics.utils.layers.macs", reason=reason)
    network, given, layers = run
    for name, x in given.items():
        found, spiking = macs.single_layer_MACs(x, getattr(network, name))
        assert found == layers[name].sop_eff_nzw
        assert spiking


@pytest.mark.filterwarnings("ignore")
def test_sinabs_counts_the_same_value(run):
    sinabs = pytest.importorskip(
        "sinabs.synopcounter", reason="sinabs is not installed, see the head of this file"
    )
    network, given, layers = run
    for name, x in given.items():
        layer = getattr(network, name)
        analyzer = sinabs.SNNAnalyzer(nn.Sequential(layer))
        layer(x)
        (found,) = analyzer.get_layer_statistics()["parameter"].values()
        assert float(found["synops"]) * len(x) == pytest.approx(layers[name].sop_value, rel=1e-5)
        analyzer.reset()
