"""A model plug-in is looked at before anything is measured: what is wrong with it is one line and exit 2."""

import dataclasses

import pytest
from support.command_line import here

from psubench.errors import PsubenchError
from psubench.experiments.accuracy.options import TrainOptions
from psubench.experiments.accuracy.plan import trainings
from psubench.experiments.profile.options import ProfileOptions
from psubench.experiments.profile.plan import profile_blocks
from psubench.experiments.sparsity.options import SparsityOptions
from psubench.experiments.sparsity.plan import count_blocks
from psubench.experiments.speed.options import SpeedOptions
from psubench.experiments.speed.plan import speed_blocks
from psubench.models import preflight
from psubench.models.preflight import Question
from psubench.models.preflight_process import own

PLUGIN = """
import torch
from torch import nn


class Net(nn.Module):
    input_shape = (5,)

    def __init__(self, neuron, T, width=4):
        super().__init__()
        self.fc, self.n = nn.Linear(5, width), neuron()

    def forward(self, x):
        return self.n(self.fc(x)).mean(0)


class NoShape(Net):
    input_shape = None


class BadShape(Net):
    input_shape = (5, -1)


class TextShape(Net):
    input_shape = "5"


class Narrow(Net):
    input_shape = (6,)


class Loop(Net):
    def forward(self, x):
        return sum(self.n(self.fc(now)) for now in x)


class Raises(Net):
    def forward(self, x):
        raise RuntimeError("two\\nlines")


class RaisesEarly(Net):
    def __init__(self, neuron, T):
        raise ValueError("early")


class NoneMade(Net):
    def __init__(self, neuron, T):
        nn.Module.__init__(self)

    def forward(self, x):
        return x.mean(0)


class Insists(Net):
    def forward(self, x):
        return self.n(self.fc(x.view(4, 7, 5))).mean(0)


class Spikes(nn.Module):
    def forward(self, x):
        return (x > 0.5).float()


class Own(nn.Module):
    input_shape = (5,)

    def __init__(self):
        super().__init__()
        self.fc, self.lif = nn.Linear(5, 4), Spikes()

    def forward(self, x):
        return self.lif(self.fc(x)).mean(0)


class OwnAnyShape(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(2), nn.LazyLinear(3), Spikes())

    def forward(self, x):
        return super().forward(x).mean(0)


def passes_on(**kwargs):
    return Net(**kwargs)


def keeps_to_itself(**kwargs):
    return Own(**kwargs)


def gives_text(neuron, T):
    return "net"


passes_on.input_shape = keeps_to_itself.input_shape = gives_text.input_shape = (5,)
number = 4
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("preflight") / "nets.py"
    path.write_text(PLUGIN)
    return path


def question(plugin, text, **changes):
    asked = Question(f"{plugin}:{text}", ("lif",), 4, 7, None, "normal", True)
    return dataclasses.replace(asked, **changes)


@pytest.mark.parametrize(
    ("text", "is_own"),
    [
        ("Net", False),
        ("Net(width=2)", False),
        ("passes_on", False),
        ("Insists", False),
        ("Own[lif]", True),
        ("keeps_to_itself[lif]", True),
    ],
)
def test_who_brings_neurons_is_told_from_the_signature_or_by_trying(plugin, text, is_own):
    assert own(question(plugin, text)) is is_own


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        ("NoShape", {}, "has input_shape None"),
        ("BadShape", {}, r"has input_shape \(5, -1\)"),
        ("TextShape", {}, "has input_shape '5'"),
        ("Narrow", {}, "raises RuntimeError"),
        ("Net", {"step": (26,), "noise": None}, r"takes steps of shape \[5\], the data has \[26\]"),
        ("Net(depth=2)", {}, "cannot be called.*depth"),
        ("Net[n]", {}, "leave --spiking out"),
        ("Net@step", {}, "leave @step out"),
        ("Loop", {}, r"not called with \[T=4, B=3, ...\]: it gets \[3, 4\] in each of 4 calls"),
        ("Raises", {}, "raises RuntimeError: two lines"),
        ("RaisesEarly", {}, "raises ValueError: early"),
        ("NoneMade", {}, "never calls neuron"),
        ("gives_text", {}, "gives a str"),
        ("number", {}, "is a int"),
        ("Absent", {}, 'has no "Absent"'),
        ("Own", {}, "name its spiking layers with --spiking; its modules are lif, fc"),
        ("Own[fc2]", {}, 'no module matches --spiking "fc2"'),
        ("Own(width=2)[lif]", {}, "cannot be called"),
        ("OwnAnyShape[2]", {}, "takes its shape from the data, and normal has none"),
    ],
)
def test_usage_errors_of_networks_are_one_line(plugin, text, changes, message):
    with pytest.raises(PsubenchError, match=message) as caught:
        own(question(plugin, text, **changes))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_neuron_s_own_fault_is_none_of_the_network_s(plugin):
    assert own(question(plugin, "Net", neurons=("masked-psn(k=99)", "lif"))) is False
    assert own(question(plugin, "Net", neurons=("masked-psn(k=99)",))) is False


@pytest.mark.parametrize(
    "code", ["import os; os._exit(3)", "import sys; sys.exit(4)", "raise KeyboardInterrupt"]
)
def test_a_plug_in_that_ends_the_process_is_left_to_the_worker_or_told(tmp_path, code):
    (tmp_path / "ends.py").write_text(code)
    asked = question(tmp_path / "ends.py", "Net")
    if "sys.exit" not in code:
        assert preflight.brings_neurons(asked) is False
        return
    with pytest.raises(PsubenchError, match="fails on import: SystemExit"):
        preflight.brings_neurons(asked)


def planned(kind, plugin, text, **given):
    """The neurons and the reference of a plan."""
    where = {"model": f"{plugin}:{text}", "data": "normal", "T": (4,), "batch": (2,), **given}
    if kind == "train":
        return {one.neuron.name for one in trainings(TrainOptions(**where), "cpu")}, {None}
    make, kinds = {
        "speed": (lambda o: speed_blocks(o, o.reference, "cpu"), SpeedOptions),
        "sparsity": (lambda o: count_blocks(o, "cpu"), SparsityOptions),
        "profile": (lambda o: profile_blocks(o, "cpu"), ProfileOptions),
    }[kind]
    blocks = make(kinds(**where))
    return {entry.ref.name for block in blocks for entry in block.entries}, {
        b.entries[0].ref.name for b in blocks
    }


@pytest.fixture
def in_process(monkeypatch):
    """The look at a plug-in without a process of its own, which takes seconds."""
    for module in ("psubench.experiments.network_neurons",):
        monkeypatch.setattr(f"{module}.brings_neurons", own)


@pytest.mark.parametrize("kind", ["speed", "sparsity", "profile", "train"])
def test_a_network_with_neurons_of_its_own_is_planned_as_own(in_process, plugin, kind):
    names, references = planned(kind, plugin, "Own", spiking="lif")
    assert names == {"own"}
    assert references <= {"own", None}
    assert planned(kind, plugin, "Own[lif]", neurons="own")[0] == {"own"}


@pytest.mark.parametrize(
    ("kind", "text", "given", "message"),
    [
        ("speed", "Own[lif]", {"neurons": "lif"}, "takes no neuron and is measured with its own"),
        ("sparsity", "Own[lif]", {"neurons": "psu,own"}, "takes no neuron"),
        ("profile", "Own[lif]", {"neurons": "psn"}, "takes no neuron"),
        ("train", "Own[lif]", {"neurons": "lif"}, "takes no neuron"),
        ("speed", "Own[lif]", {"reference": "psn"}, 'reference "psn": the network takes no neuron'),
        ("speed", "Net", {"neurons": "own"}, "takes neuron= and has none of its own"),
        ("sparsity", "Net", {"neurons": "lif,own"}, "takes neuron= and has none of its own"),
        ("speed", "Net", {"spiking": "n"}, "leave --spiking out"),
    ],
)
def test_neurons_that_do_not_fit_a_network_are_refused(in_process, plugin, kind, text, given, message):
    with pytest.raises(PsubenchError, match=message) as caught:
        planned(kind, plugin, text, **given)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("shd", {"neurons": "own"}, 'model "shd" has none of its own'),
        ("shd", {"spiking": "n*"}, "--spiking is of plug-ins, and shd is built in"),
        ("shd@step", {}, "@step is of plug-ins, and shd is built in; leave @step out, or give --mode step"),
        ("neuron", {"neurons": "own"}, "one layer has none of its own"),
        ("neuron", {"spiking": "n*"}, "one layer has no names"),
        ("nowhere.py:Net", {}, 'there is no file "nowhere.py"'),
        ("shd[n1]", {}, "brackets hold the names of spiking layers of a plug-in"),
        ("a.b:", {}, "names no plug-in"),
    ],
)
def test_built_in_networks_have_no_neurons_of_their_own(model, given, message):
    with pytest.raises(PsubenchError, match=message):
        speed_blocks(SpeedOptions(model=model, **given), "lif", "cpu")


def test_an_error_comes_before_anything_is_measured_and_ends_with_2(plugin):
    words = ["sparsity", "--model", "nets.py:Loop", "--data", "normal", "--T", "4"]
    done = here(*words, check=2, cwd=plugin.parent)
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith(
        'error: model plug-in "nets.py:Loop": spiking layer n is not called with [T=4,'
    )
    assert not (plugin.parent / "reports").exists()
