"""Under autocast a neuron does what it does without; what is not finite changes no earlier spike."""

import math

import pytest
import torch

from psubench import neurons
from psubench.neurons import TABLE
from psubench.neurons.spec import LONG

SILENT = {"prf": "(threshold=0.02)"}
"""Parameters of neurons that would not fire as they are."""
EAGER = [
    f"{name}@{how}{SILENT.get(name, '')}"
    for name, spec in TABLE.items()
    for how in spec.implementations
    if how != "compile"
]
MORE = [
    "ipsu(estimate=membrane)",
    "ipsu(estimate=input)",
    "ipsu@fused(estimate=membrane)",
    "plif(reset=hard)",
]
CAUSAL = [text for text in [*EAGER, *MORE] if TABLE[text.split("@")[0].split("(")[0]].causal]


def built(text, T):
    torch.manual_seed(0)
    neuron = neurons.build(neurons.parse(text), T)
    if text.startswith("masked-psn"):
        neuron.lambda_ = 1.0
    return neuron


def spikes(neuron, x, learns):
    torch.manual_seed(1)
    with torch.set_grad_enabled(learns):
        return neuron(x.clone().requires_grad_(learns))


@pytest.mark.parametrize("text", [*EAGER, *MORE])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_changes_neither_spikes_nor_gradients(text, dtype):
    neuron = built(text, 6)
    x = (3 * torch.randn(6, 8, 5) + 1.5).to(dtype)
    for learns in (False, True):
        without = spikes(neuron, x, learns)
        with torch.autocast("cpu", torch.bfloat16):
            within = spikes(neuron, x, learns)
        assert within.dtype == dtype
        assert torch.equal(within, without)
        assert 0 < (without != 0).float().mean() < 1
        if learns:
            within.float().sum().backward()


@pytest.mark.parametrize("text", CAUSAL)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("T", [6, 70])
def test_what_is_not_finite_changes_no_earlier_spike_and_no_other_neuron(text, bad, T):
    neuron = built(text, T).train(TABLE[text.split("@")[0].split("(")[0]].causal_in_training)
    x = 3 * torch.randn(T, 4, 3) + 1.5
    spoiled = x.clone()
    spoiled[T - 3, 2, 1] = spoiled[T - 2, 1, 1] = bad
    others = torch.ones(4, 3, dtype=torch.bool)
    others[2, 1] = others[1, 1] = False
    for learns in (False, True):
        right, got = spikes(neuron, x, learns), spikes(neuron, spoiled, learns)
        assert torch.equal(right[: T - 3], got[: T - 3])
        assert torch.equal(right[:, others], got[:, others])
        assert right[: T - 3].any()


def test_a_long_convolution_takes_what_is_not_finite_to_no_earlier_step():
    test_what_is_not_finite_changes_no_earlier_spike_and_no_other_neuron("lif@decoupled", math.nan, LONG)
