"""Gradients of every neuron in a network against finite differences of the smoothed network, in float64.

A surrogate gradient is the gradient of a network whose step function H is replaced by a smooth g. With g in
the place of H in the forward pass, and nothing changed in the backward pass, backpropagation must agree with
central differences. Where the reset is detached it keeps its hard step, which is locally constant.
"""

import math

import pytest
import torch
from support.places import TINY
from torch.nn import functional

from psubench import models, neurons
from psubench.neurons import no_reset, surrogate
from psubench.neurons.table_second import SPECS as SECOND

pytestmark = pytest.mark.slow

T = 6

# The second zoo has other surrogates, and gradients that its authors pass straight through roundings or cut
# off: those are compared with float64 references in `test_second_zoo.py`.
VARIANTS = [
    *(name for name in neurons.TABLE if name not in {spec.name for spec in SECOND}),
    "prf(threshold=0.02)",
    "lif(reset=hard)",
    "lif(detach_reset=false)",
    "lif(reset=hard,detach_reset=false,decay_input=false)",
    "plif(detach_reset=false)",
    "if(detach_reset=false)",
    "masked-psn(k=3,lam=0.4)",
    "sliding-psn(k=4)",
    "psu@scan",
    "psu(tau=3,threshold=0.6)",
    "psu(released=true)",
    "ipsu(estimate=membrane)",
    "ipsu(estimate=input,init=leak)",
    "rpsu(released=true)",
    "spsn(learn_tau=true)",
    "spsn(gradient=scaled)",
]


def smooth(alpha):
    """g(v - threshold), the primitive of the surrogate gradient."""

    def step(v, threshold):
        return torch.atan(math.pi / 2 * alpha * (v - threshold)) / math.pi + 0.5

    return step


def expected(ctx, p, scaled):
    """What a Bernoulli draw is replaced by: the primitive of its gradient, p or p²/2."""
    ctx.save_for_backward(p if scaled else None)
    return p * p / 2 if scaled else p.clone()


def network(text):
    torch.manual_seed(3)
    ref = neurons.parse(text)
    built = models.build(models.parse(f"{TINY}:Plain"), lambda: neurons.build(ref, T), T, (6,), 3)
    return built.module.double()


def differences(text, direction):
    """The derivative of a loss along a random direction: by backpropagation, and by central differences."""
    module = network(text)
    draw = torch.Generator().manual_seed(direction)
    x = 2 * torch.rand(T, 5, 6, generator=draw, dtype=torch.float64)
    labels = torch.randint(0, 3, (5,), generator=draw)
    values = [x.requires_grad_(), *module.parameters()]
    ways = [torch.randn(value.shape, generator=draw, dtype=torch.float64) for value in values]

    def loss():
        return functional.cross_entropy(module(x), labels)

    gradients = torch.autograd.grad(loss(), values, allow_unused=True)
    by_backward = sum((g * d).sum().item() for g, d in zip(gradients, ways, strict=True) if g is not None)
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            for value, way in zip(values, ways, strict=True):
                value.add_(way, alpha=sign * 1e-6)
        ends.append(loss().item())
        with torch.no_grad():
            for value, way in zip(values, ways, strict=True):
                value.sub_(way, alpha=sign * 1e-6)
    return by_backward, (ends[0] - ends[1]) / 2e-6


@pytest.mark.parametrize("text", VARIANTS)
def test_gradients_are_those_of_the_smoothed_network(text, monkeypatch):
    monkeypatch.setattr(surrogate, "step", smooth(2.0))
    monkeypatch.setattr(no_reset._Bernoulli, "forward", staticmethod(expected))
    for direction in range(3):
        by_backward, by_differences = differences(text, direction)
        assert by_backward == pytest.approx(by_differences, rel=1e-5, abs=1e-8)
        assert by_differences != 0


@pytest.mark.parametrize("text", ["lif", "psn", "psu", "ipsu", "rpsu"])
def test_the_comparison_finds_another_surrogate(text, monkeypatch):
    monkeypatch.setattr(surrogate, "step", smooth(2.2))
    by_backward, by_differences = differences(text, 0)
    assert by_backward != pytest.approx(by_differences, rel=1e-3)
