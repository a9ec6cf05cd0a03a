"""Neurons of other libraries against float64 references; skipped without scripts/peers-environment."""

import inspect

import pytest
import torch

from psubench.errors import WrongError
from psubench.neurons import build_reference, parse
from psubench.neurons.equality import Gate
from psubench.neurons.foreign.table import LIBRARIES, adapter, check
from psubench.plugins import load

T = 12
NEURONS = [f"{library.name}:{name}" for library in LIBRARIES.values() for name in library.neurons]
SWITCHES = {
    "spikingjelly:LIFNode": [
        {"v_reset": None, "detach_reset": True, "tau": 3.0, "decay_input": False},
        {"v_threshold": 0.4},
    ],
    "spikingjelly:ParametricLIFNode": [{"init_tau": 5.0, "v_reset": None}],
    "spikingjelly:SlidingPSN": [{"k": 5}],
    "spikingjelly:ComplementaryLIFNode": [{"tau": 3.0, "v_threshold": 0.6}],
    "spikingjelly:CUBALIFNode": [{"c_decay": 0.2, "v_reset": None}],
    "spikingjelly:ILIFNode": [{"detach_reset": True, "tau": 2.0}],
    "spikingjelly:GatedLIFNode": [{"init_tau": 0.6}],
    "snntorch:Leaky": [{"beta": 0.9, "reset_mechanism": "zero"}, {"threshold": 0.3}],
    "norse:LIFBoxCell": [{"tau_mem_inv": 100.0, "v_th": 0.4}],
    "sinabs:LIF": [{"tau_mem": 20.0, "norm_input": False}],
    "spyx:LIF": [{"beta": 0.9, "threshold": 0.5}],
}
CASES = [(kind, switches) for kind in NEURONS for switches in [{}, *SWITCHES.get(kind, [])]]


def made(kind, **switches):
    if LIBRARIES[kind.partition(":")[0]].version is None:
        pytest.skip(f"{kind} is not installed: scripts/peers-environment")
    build = load(adapter(kind))
    if "T" in inspect.signature(build).parameters:
        switches = {**switches, "T": T}
    torch.manual_seed(0)
    node, twin = build(**switches).train(), build.reference(**switches).double().train()
    twin.load_state_dict({name: value.double() for name, value in node.state_dict().items()})
    return node, twin


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("kind", "switches"), CASES)
def test_spikes_and_gradients_equal_the_twin(kind, switches):
    node, twin = made(kind, **switches)
    Gate(node, twin, node.causal, True, 3, lambda: None, 4000).check(torch.randn(T, 6, 40) + 0.8)
    with torch.inference_mode():
        assert 0.001 < node(torch.randn(T, 6, 40) + 0.8).mean() < 2


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("kind", ["snntorch:Leaky", "norse:LIFBoxCell", "sinabs:LIF", "spyx:LIF"])
def test_the_gate_tells_a_library_from_lif(kind):
    node, _ = made(kind)
    lif = build_reference(parse("lif(decay_input=false)"), T)
    with pytest.raises(WrongError):
        Gate(node, lif, True, False, 3, lambda: None, 4000).check(torch.randn(T, 6, 40) + 0.8)


def test_a_neuron_that_a_library_does_not_have_is_named():
    with pytest.raises(Exception, match=r'spikingjelly has no neuron "LIFNod" here.*LIFNode'):
        check("spikingjelly:LIFNod")


def test_every_lif_of_the_table_is_one_of_its_neurons():
    for library in LIBRARIES.values():
        assert library.lif.partition("(")[0].partition(":")[2] in library.neurons
