"""Agreement with SpikingJelly, with its weights carried over. Needs the extra `peers`."""

import pytest
import torch

from psubench.neurons import build, parse

pytestmark = pytest.mark.slow

REASON = "SpikingJelly >= 2.0 is not installed: pip install 'psubench[peers]'"
peer = pytest.importorskip("spikingjelly.activation_based.neuron", reason=REASON)
surrogate = pytest.importorskip("spikingjelly.activation_based.surrogate", reason=REASON)

T, SHAPE = 12, (5, 40)


def compare(ours, theirs):
    """Spikes exactly but for float64 ties, gradients of input and parameters to 1e-5."""
    torch.manual_seed(7)
    x = torch.randn(T, *SHAPE, dtype=torch.float64) + 1
    cotangent = torch.randn_like(x)
    results = []
    for module in (ours.double(), theirs.double()):
        leaf = x.clone().requires_grad_()
        spikes = module(leaf)
        wanted = [leaf, *module.parameters()]
        results.append((spikes.detach(), torch.autograd.grad(spikes, wanted, cotangent)))
    (spikes, got), (expected, due) = results
    assert torch.equal(spikes, expected)
    assert 0.01 < spikes.mean() < 0.99
    assert len(got) == len(due)
    for one, other in zip(got, due, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("reset", ["soft", "hard"])
@pytest.mark.parametrize("decay_input", [True, False])
@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize(("tau", "threshold"), [(2.0, 1.0), (5.0, 0.4)])
def test_lif(reset, decay_input, detach, tau, threshold):
    theirs = peer.LIFNode(
        tau=tau,
        decay_input=decay_input,
        v_threshold=threshold,
        v_reset=0.0 if reset == "hard" else None,
        surrogate_function=surrogate.ATan(),
        detach_reset=detach,
        step_mode="m",
    )
    switches = (
        f"tau={tau},decay_input={decay_input},threshold={threshold},reset={reset},detach_reset={detach}"
    )
    compare(build(parse(f"lif({switches})"), T), theirs)


def carry(ours, theirs):
    """Their weights, stirred, in ours; names and shapes are the same."""
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter) + 0.1)
    ours.load_state_dict(dict(theirs.named_parameters()))


def test_psn():
    ours, theirs = build(parse("psn"), T), peer.PSN(T)
    carry(ours, theirs)
    compare(ours, theirs)


@pytest.mark.parametrize("lam", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("k", [1, 3, T])
def test_masked_psn(k, lam):
    ours = build(parse(f"masked-psn(k={k},lam={lam})"), T)
    theirs = peer.MaskedPSN(k=k, T=T, lambda_init=lam, step_mode="m")
    carry(ours, theirs)
    compare(ours, theirs)


@pytest.mark.parametrize("k", [1, 2, 5, T + 3])
def test_sliding_psn(k):
    ours, theirs = build(parse(f"sliding-psn(k={k})"), T), peer.SlidingPSN(k=k, step_mode="m")
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)
    carry(ours, theirs)
    compare(ours, theirs)
