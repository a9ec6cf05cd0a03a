"""SpikingJelly's own SEW-ResNet-18 with its own LIFNodes: its operations against a brute-force count."""

import json
import subprocess
import sys

import pytest
import torch
from torch import nn

from psubench import models
from psubench.sops.network import calibrate, count

pytest.importorskip("spikingjelly")

NET = """
import sys
import types

import torch

if "torchvision" not in sys.modules:  # of which it takes nothing but the function that downloads
    stand_in = types.ModuleType("torchvision._internally_replaced_utils")
    stand_in.load_state_dict_from_url = torch.hub.load_state_dict_from_url
    sys.modules.setdefault("torchvision._internally_replaced_utils", stand_in)

from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.model import sew_resnet


def net():
    made = sew_resnet.sew_resnet18(cnf="ADD", num_classes=10, spiking_neuron=neuron.LIFNode)
    functional.set_step_mode(made, "m")
    return made


net.input_shape = (3, 16, 16)


def single():
    return sew_resnet.sew_resnet18(cnf="ADD", num_classes=10, spiking_neuron=neuron.LIFNode)


single.input_shape = (3, 16, 16)


def data(T, batch, seed, split):
    g = torch.Generator().manual_seed(seed)
    yield (torch.rand(T, batch, 3, 16, 16, generator=g) < 0.3).float(), torch.arange(batch) % 10


data.classes = 10
"""
T, B = 3, 2


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("sew") / "sew.py"
    path.write_text(NET)
    return path


def current():
    return (torch.rand(T, B, 3, 16, 16, generator=torch.Generator().manual_seed(0)) < 0.3).float()


def reached(length, kernel, stride, padding, dilation):
    """How many outputs of one axis each place of the input reaches, tap by tap."""
    outputs = (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    places = [0] * length
    for output in range(outputs):
        for tap in range(kernel):
            place = output * stride - padding + tap * dilation
            if 0 <= place < length:
                places[place] += 1
    return torch.tensor(places)


def brute_force(layer, x):
    """Effective synaptic operations of a layer, over the elements of its input that are not 0."""
    events = (x != 0).long()
    if isinstance(layer, nn.Linear):
        return int(events.sum()) * layer.out_features
    rows = reached(x.shape[-2], layer.kernel_size[0], layer.stride[0], layer.padding[0], layer.dilation[0])
    columns = reached(x.shape[-1], layer.kernel_size[1], layer.stride[1], layer.padding[1], layer.dilation[1])
    fan_out = rows[:, None] * columns[None, :] * (layer.out_channels // layer.groups)
    return int((events * fan_out).sum())


@pytest.mark.parametrize("text", ["net", "single@step"])
def test_operations_of_sew_resnet18_equal_a_brute_force_count(plugin, text):
    torch.manual_seed(0)
    made = models.build(models.parse(f"{plugin}:{text}"), None, T, (3, 16, 16), 10)
    assert made.failure is None
    assert len(made.spiking) == 20
    x = current()
    calibrate(made.module, [x])
    found = {layer.layer: layer for layer in count(made.module, made.spiking, [x])}
    due, hooks = {}, []
    for name, layer in made.module.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            hooks.append(
                layer.register_forward_hook(
                    lambda layer, given, _, name=name: due.__setitem__(
                        name, due.get(name, 0) + brute_force(layer, given[0])
                    )
                )
            )
    spikes = {}
    for name, layer in made.spiking.items():
        hooks.append(
            layer.register_forward_hook(
                lambda _, __, out, name=name: spikes.__setitem__(name, spikes.get(name, 0) + int(out.sum()))
            )
        )
    with torch.no_grad():
        made.module(x)
    for hook in hooks:
        hook.remove()
    assert len(due) == 21
    assert {name: found[name].sop_eff for name in due} == due
    assert {name: found[name].spikes for name in spikes} == spikes
    assert all(layer.complete for layer in found.values())
    assert sum(spikes.values()) > 1000


def test_both_step_modes_spike_alike(plugin):
    counts = []
    for text in ("net", "single@step"):
        torch.manual_seed(0)
        made = models.build(models.parse(f"{plugin}:{text}"), None, T, (3, 16, 16), 10)
        calibrate(made.module, [current()])
        if text == "net":
            state = made.module.state_dict()
        made.module.load_state_dict(state)
        counts.append([layer.spikes for layer in count(made.module, made.spiking, [current()])])
    assert counts[0] == counts[1]


def test_sew_resnet18_goes_through_the_command_line(plugin):
    command = [
        sys.executable, "-m", "psubench", "sparsity", "--model", "sew.py:net", "--data", "sew.py:data",
        "--T", "2", "--batch", "1", "--samples", "1", "--device", "cpu", "--json", "--out", "out",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=plugin.parent, capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)
    total = next(row for row in rows if row["role"] == "total")
    assert total["neuron"] == "own"
    assert total["complete"]
    assert total["sop_eff"] > 0
