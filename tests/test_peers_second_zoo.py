"""Agreement of the second zoo with SpikingJelly. Needs the extra `peers`."""

import pytest
import torch

from psubench.neurons import build, parse

pytestmark = pytest.mark.slow

REASON = "SpikingJelly >= 2.0 is not installed: pip install 'psubench[peers]'"
peer = pytest.importorskip("spikingjelly.activation_based.neuron", reason=REASON)
surrogate = pytest.importorskip("spikingjelly.activation_based.surrogate", reason=REASON)


@pytest.mark.parametrize(
    ("text", "make"),
    [
        ("clif", lambda: peer.ComplementaryLIFNode(step_mode="m")),
        ("clif(tau=3,threshold=0.6)", lambda: peer.ComplementaryLIFNode(3.0, 0.6, step_mode="m")),
        ("ilif(detach_reset=false)", lambda: peer.ILIFNode(step_mode="m")),
        ("ilif", lambda: peer.ILIFNode(step_mode="m", detach_reset=True)),
        (
            "ternary-lif",
            lambda: peer.TernaryLIFNode(4 / 3, False, surrogate_function=surrogate.Sigmoid(), step_mode="m"),
        ),
        (
            "ternary-lif(reset=soft,tau=2)",
            lambda: peer.TernaryLIFNode(
                2.0, False, v_reset=None, surrogate_function=surrogate.Sigmoid(), step_mode="m"
            ),
        ),
        ("cuba-lif", peer.CUBALIFNode),
        ("cuba-lif(reset=soft,c=0.2)", lambda: peer.CUBALIFNode(c_decay=0.2, v_reset=None)),
    ],
)
def test_spikes_and_gradients_are_theirs(text, make):
    torch.manual_seed(7)
    x, cotangent = torch.randn(12, 5, 40, dtype=torch.float64) + 1, torch.randn(12, 5, 40).double()
    results = []
    theirs = make()
    theirs.step_mode = "m"
    for module in (build(parse(text), 12).double(), theirs):
        leaf = x.clone().requires_grad_()
        spikes = module(leaf)
        results.append((spikes.detach(), torch.autograd.grad(spikes, leaf, cotangent)[0]))
    (spikes, got), (expected, due) = results
    assert torch.equal(spikes, expected)
    torch.testing.assert_close(got, due, rtol=1e-9, atol=1e-9)
