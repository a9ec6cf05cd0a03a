"""What is built or compiled at a first call: counted, timed apart, and seen to live."""

import time

import pytest
import torch

from psubench.neurons import TABLE, build, compiled, parse
from psubench.probes import first_calls as first

# torch.compile uses parts of torch that torch itself warns of.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(("limit", "least", "most"), [(60.0, 5, 1000), (0.1, 2, 11)])
def test_signs_of_life_come_while_it_takes_long_but_not_for_ever(monkeypatch, limit, least, most):
    monkeypatch.setattr(first, "_BEAT_SECONDS", 0.01)
    monkeypatch.setattr(first, "READY_SECONDS", limit)
    beats = []
    with first.alive(lambda: beats.append(1)):
        time.sleep(0.5)
    assert least <= len(beats) <= most
    before = len(beats)
    time.sleep(0.05)
    assert len(beats) == before


def test_signs_of_life_end_with_an_error():
    beats = []
    with pytest.raises(RuntimeError, match="no way"), first.alive(lambda: beats.append(1)):
        raise RuntimeError("no way")
    assert beats == [1]


def trained(module, x):
    leaf = x.clone().requires_grad_()
    return lambda: torch.autograd.grad(module(leaf), leaf, x)


def test_a_compiled_neuron_tells_what_was_compiled():
    module, x = build(parse("psu@compile"), 4), torch.randn(4, 2, 8) + 1
    assert first.graphs(module) == 0
    found = first.first_call(module, trained(module, x))
    assert found["seconds"] > 0
    assert found["graph_breaks"] == 0
    assert first.graphs(torch.nn.Sequential(torch.nn.Identity(), module)) == 1
    trained(module, x)()
    assert first.graphs(module) == 1
    with torch.no_grad():  # compiled anew, and counted
        assert torch.equal(module(x), build(parse("psu"), 4)(x))
    assert first.graphs(module) == 2


def test_any_other_neuron_has_nothing_to_tell():
    module, calls = build(parse("lif"), 4), []
    assert first.first_call(module, lambda: calls.append(1)) is None
    assert calls == [1]
    assert first.graphs(module) is None


class Twice(torch.nn.Module):
    """Sends tracing back to Python once."""

    def forward(self, x):
        doubled = x * 2
        torch._dynamo.graph_break()
        return doubled + 1


class CompiledTwice(compiled.Compiled, Twice):
    """The same, compiled."""


def test_graph_breaks_are_counted():
    module = CompiledTwice()
    found = first.first_call(module, trained(module, torch.ones(2, 3)))
    assert found["graph_breaks"] == 1
    assert first.graphs(module) == 2


def test_a_compiled_stochastic_neuron_draws_as_the_eager_one():
    x, spikes = torch.randn(4, 3, 8), []
    for text in ("spsn@compile", "spsn"):
        module = build(parse(text), 4)
        torch.manual_seed(3)
        spikes.append(module(x))
    assert torch.equal(*spikes)


def test_every_neuron_can_be_compiled_and_all_but_one_are_fused():
    assert all("compile" in spec.implementations for spec in TABLE.values())
    assert {name for name, spec in TABLE.items() if "fused" not in spec.implementations} == {"spsn"}
    assert not {spec.default for spec in TABLE.values()} & {"compile", "fused"}
