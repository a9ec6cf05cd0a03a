"""What a neuron gives beside spikes, and in which mode it runs: the record says it."""

import gc
from types import SimpleNamespace

import pytest
import torch
from support.jobs import ignore, job_of

from psubench import models, neurons
from psubench.experiments import outputs
from psubench.experiments.paired.probe import Probe
from psubench.experiments.sparsity.probe import ActivityProbe
from psubench.neurons.outputs import NO_INFERENCE, SEVERAL, Seen
from psubench.records.failures import classify
from psubench.records.outcomes import labelled
from psubench.sops.network import count

NODES = """
import torch
from torch import nn
from psubench import neurons
from psubench.neurons.surrogate import heaviside


class Plain(nn.Module):
    @staticmethod
    def reference(*, T):
        return neurons.build_reference(neurons.parse("lif"), T)

    def __init__(self):
        super().__init__()

    def forward(self, x):
        v, found = self.start(x), []
        for now in x:
            h = v + (now - v) / 2
            s = heaviside(h, 1.0, 2.0)
            v = h - s.detach()
            found.append(s)
        self.v = v
        return torch.stack(found)

    def start(self, x):
        return torch.zeros_like(x[0])


class Pair(Plain):
    def forward(self, x):
        return super().forward(x), x[-1]


class Listed(Plain):
    def forward(self, x):
        return [super().forward(x), {"membrane": self.v}, None]


class Zeroed(Plain):
    v = None

    def start(self, x):
        if self.v is not None and self.v.shape == x.shape[1:]:
            return self.v.detach_().zero_()
        return torch.zeros_like(x[0])


class Versions(Plain):
    def start(self, x):
        v = torch.zeros_like(x[0])
        assert v._version == 0  # inference tensors have no version
        return v


class Refuses(Plain):
    def forward(self, x):
        if torch.is_inference_mode_enabled():
            raise ValueError("not in inference mode")
        return super().forward(x)


class RefusesAndIsWrong(Refuses):
    def start(self, x):
        return torch.full_like(x[0], 0.5)


class Forgot(Plain):
    v = None

    def start(self, x):
        return torch.zeros_like(x[0]) if self.v is None or self.v.shape != x.shape[1:] else self.v.detach()


class OtherThreshold(Plain):
    def forward(self, x):
        return heaviside(x, 1.0, 2.0)


class Membrane(Plain):
    def forward(self, x):
        super().forward(x)
        return self.v.expand_as(x).clone()


class Analog(nn.Module):
    def forward(self, x):
        return x.clamp(min=0)


class Counts(nn.Module):
    def forward(self, x):
        return x.clamp(0, 3).round()


class Ternary(nn.Module):
    def forward(self, x):
        return (x > 0.5).to(x.dtype) - (x < -0.5).to(x.dtype)


class Unpacks(nn.Module):
    input_shape = (12,)

    def __init__(self, neuron, T):
        super().__init__()
        self.fc1, self.n1, self.fc2 = nn.Linear(12, 16), neuron(), nn.Linear(16, 10)

    def forward(self, x):
        s, *_ = self.n1(self.fc1(x))
        return self.fc2(s).mean(0)
"""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    path = tmp_path_factory.mktemp("nodes") / "nodes.py"
    path.write_text(NODES)
    return path


def case(**changes):
    about = {
        "kind": "speed", "model": "neuron", "data": "spoken-digits", "T": 4, "batch": 4, "size": 16,
        "device": "cpu", "dtype": "float32", "phase": "infer", "threads": 1, "mode": "layer",
        "neuron": "lif", "implementation": "loop",
    }  # fmt: skip
    return about | changes


def timed(text, **changes):
    gc.collect()  # files that earlier tests have left open are not closed meanwhile
    block = Probe(job_of(case(**changes), text, text), ignore, ignore).run()
    return block.cases[0], block


def counted(text, model):
    about = case(
        kind="sparsity", model=model, samples=8, weights="untrained", energy_model="horowitz45-fp32",
        first_layer="sparse_mac", pooling="graded",
    )  # fmt: skip
    return ActivityProbe(job_of(about, text), ignore, ignore).run().cases[0]


@pytest.mark.parametrize("phase", ["infer", "train"])
@pytest.mark.parametrize("name", ["Pair", "Listed"])
def test_the_first_of_several_values_is_the_spikes_and_it_is_said(nodes, name, phase):
    outcome, _ = timed(f"{nodes}:{name}", phase=phase)
    lif, _ = timed("lif", phase=phase)
    assert (outcome.status, outcome.verified, outcome.output) == ("ok", True, "spikes"), outcome.message
    assert outcome.activity == lif.activity
    assert outcome.notes == [SEVERAL]
    assert lif.notes == []


@pytest.mark.parametrize("name", ["Plain", "Pair", "Listed"])
def test_a_built_in_network_takes_the_spikes_alone(nodes, name):
    found = counted(f"{nodes}:{name}", "mlp(width=0.1)")
    lif = counted("lif", "mlp(width=0.1)")
    assert (found.status, found.verified) == ("ok", True), found.message
    assert found.layers[-1].spikes == lif.layers[-1].spikes > 0
    assert found.layers[-1].sop_eff == lif.layers[-1].sop_eff
    assert found.notes == ([] if name == "Plain" else [SEVERAL])


def test_a_network_unpacks_what_its_neuron_gives(nodes):
    model = models.parse(f"{nodes}:Unpacks")
    torch.manual_seed(0)
    network = models.build(model, lambda: neurons.build(neurons.parse(f"{nodes}:Pair"), 4), 4, (12,), 10)
    x = (torch.rand(4, 3, 12, generator=torch.Generator().manual_seed(1)) < 0.5).float() * 8
    seen = [layer for layer in count(network.module, network.spiking, [x]) if layer.role == "neuron"]
    due = neurons.build(neurons.parse("lif"), 4)(network.module.fc1(x))
    assert [layer.spikes for layer in seen] == [int(due.sum())]
    assert seen[0].spikes > 0


@pytest.mark.parametrize("name", ["Versions", "Refuses"])
def test_what_does_not_run_in_inference_mode_is_timed_and_counted_under_no_grad(nodes, name):
    outcome, block = timed(f"{nodes}:{name}")
    assert (outcome.status, outcome.verified) == ("ok", True), outcome.message
    assert outcome.notes == [NO_INFERENCE]
    assert block.wall_ns
    found = counted(f"{nodes}:{name}", "mlp(width=0.1)")
    assert (found.status, found.notes) == ("ok", [NO_INFERENCE]), found.message
    assert found.layers[-1].sop_eff == counted("lif", "mlp(width=0.1)").layers[-1].sop_eff


def test_a_membrane_that_is_zeroed_in_place_is_measured(nodes):
    outcome, _ = timed(f"{nodes}:Zeroed")
    assert (outcome.status, outcome.verified) == ("ok", True), outcome.message


def test_under_no_grad_it_passes_the_same_gate(nodes):
    outcome, _ = timed(f"{nodes}:RefusesAndIsWrong")
    assert outcome.status == "wrong"
    assert "differ from the reference" in outcome.message


@pytest.mark.parametrize("kind", ["analog", "counts", "ternary"])
def test_outputs_that_are_no_spikes_are_named(nodes, kind):
    name = kind.capitalize()
    outcome, _ = timed(f"{nodes}:{name}")
    assert (outcome.status, outcome.output) == ("ok", kind), outcome.message
    found = counted(f"{nodes}:{name}", "mlp(width=0.1)")
    assert found.output == kind
    total = found.layers[-1]
    assert (total.firing_rate is None) == (total.spikes is None) == (kind == "analog")
    assert total.sop_eff > 0


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 1], "spikes"), ([0, 0], "spikes"), ([0, 2], "counts"), ([-1, 1], "ternary"),
        ([0, 0.5], "analog"), ([1, 1.0000001], "analog"), ([-1, 2], "analog"), ([0, -2], "analog"),
    ],
)  # fmt: skip
def test_kinds_of_outputs(values, kind):
    seen = Seen()
    seen.add(torch.tensor(values, dtype=torch.float32))
    assert seen.kind == kind


def test_one_layer_of_counts_makes_the_network_one_of_counts():
    seen = Seen()
    for values in ([0.0, 1.0], [0.0, 3.0], [1.0, 1.0]):
        seen.add(torch.tensor(values))
    assert seen.kind == "counts"


def test_labels_say_once_what_is_no_spike():
    assert labelled("Analog", "analog") == "Analog [analog]"
    assert labelled("ipsu [counts]", "counts") == "ipsu [counts]"
    assert labelled("lif", "spikes") == labelled("lif", None) == "lif"


def test_a_line_says_what_an_analog_output_is():
    row = SimpleNamespace(neuron="mine.py:Analog", label="Analog [analog]", T=4, output="analog")
    assert outputs.lines([row]) == [
        "Analog [analog] gives values other than spikes, so that it has no firing rate"
    ]


@pytest.mark.parametrize("name", ["Forgot", "OtherThreshold", "Membrane"])
def test_what_speed_refuses_is_not_counted_either(nodes, name):
    found = counted(f"{nodes}:{name}", "mlp(width=0.1)")
    assert (found.status, found.verified, found.layers) == ("wrong", False, None)


def test_an_exception_without_a_readable_text_has_a_status():
    class MuteError(Exception):
        def __str__(self):
            raise ValueError("no text")

    assert classify(MuteError()) == ("failed", "MuteError: (its text cannot be read)")
