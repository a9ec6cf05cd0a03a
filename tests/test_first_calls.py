"""What is built or compiled at a first call: counted, timed apart, and seen to live."""

import time

import pytest
import torch

from psubench.measure import first_calls as first
from psubench.measure.first_calls import alive, first_calls
from psubench.neurons import TABLE, build, compiled, parse

# torch.compile uses parts of torch that torch itself warns of.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(autouse=True, scope="module")
def _small_kernels():
    """Without the instructions of this very processor: to find out what it has, four libraries are built."""
    from torch._inductor import config

    with config.patch({"cpp.vec_isa_ok": False, "cpp_cache_precompile_headers": False}):
        yield


class Slow(torch.nn.Module):
    """Takes its time at the first call."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def forward(self, x):
        time.sleep(self.seconds)
        self.seconds = 0
        return x * 1


def ready(module, x):
    """First calls with and without gradients."""

    def calls():
        with torch.no_grad():
            module(x)
        leaf = x.clone().requires_grad_()
        torch.autograd.grad(module(leaf), leaf, torch.ones_like(x))

    return first_calls(calls, [module])


@pytest.mark.parametrize(("limit", "least", "most"), [(60.0, 5, 1000), (0.1, 2, 11)])
def test_signs_of_life_come_while_it_takes_long_but_not_for_ever(monkeypatch, limit, least, most):
    monkeypatch.setattr(first, "_BEAT_SECONDS", 0.01)
    monkeypatch.setattr(first, "READY_SECONDS", limit)
    beats = []
    with alive(lambda: beats.append(1)):
        assert ready(Slow(0.5), torch.ones(2, 3)) is None
    assert least <= len(beats) <= most
    before = len(beats)
    time.sleep(0.05)
    assert len(beats) == before


def test_signs_of_life_end_with_an_error():
    beats = []
    with pytest.raises(RuntimeError, match="no way"), alive(lambda: beats.append(1)):
        ready(Raises(), torch.ones(2, 3))
    before = len(beats)
    time.sleep(0.05)
    assert len(beats) == before


class Raises(torch.nn.Module):
    def forward(self, x):
        raise RuntimeError("no way")


def test_a_compiled_neuron_is_compiled_before_it_is_checked_and_timed():
    module, x = build(parse("psu@compile"), 4), torch.randn(4, 2, 8) + 1
    found = ready(module, x)
    assert found.seconds > 0
    assert (found.graphs, found.graph_breaks) == (2, 0)  # with and without gradients
    leaf = x.clone().requires_grad_()
    spikes = module(leaf)
    torch.autograd.grad(spikes, leaf, x)
    with torch.no_grad():
        module(x)
    assert module.graphs == 2
    assert torch.equal(spikes, build(parse("psu"), 4)(x))
    with torch.no_grad():
        module(torch.randn(4, 5, 8))  # another shape is compiled anew, and counted
    assert module.graphs == 3


class Twice(torch.nn.Module):
    """Sends tracing back to Python once."""

    def forward(self, x):
        doubled = x * 2
        torch._dynamo.graph_break()
        return doubled + 1


class CompiledTwice(compiled.Compiled, Twice):
    """The same, compiled."""


def test_graph_breaks_are_counted(monkeypatch):
    import torch._dynamo

    backend = torch._dynamo.lookup_backend("aot_eager")  # what becomes of a graph changes no number of graphs
    monkeypatch.setattr(torch._dynamo, "lookup_backend", lambda _: backend)
    found = ready(CompiledTwice(), torch.ones(2, 3))
    assert found.graph_breaks >= 1
    assert found.graphs == 4  # two pieces, with and without gradients


def test_a_compiled_stochastic_neuron_draws_as_the_eager_one():
    x, spikes = torch.randn(4, 3, 8), []
    for text in ("spsn@compile", "spsn"):
        module = build(parse(text), 4)
        torch.manual_seed(3)
        spikes.append(module(x))
    assert torch.equal(*spikes)


def test_every_neuron_can_be_compiled_and_every_deterministic_one_of_the_first_zoo_and_serial_one_is_fused():
    assert all("compile" in spec.implementations for spec in TABLE.values())
    unfused = {name for name, spec in TABLE.items() if "fused" not in spec.implementations}
    assert unfused == {"spsn", "fpt", "prf", "pmsn", "mulfree-psn", "relu", "quant-relu"}
    assert not {spec.default for spec in TABLE.values()} & {"compile", "fused"}
