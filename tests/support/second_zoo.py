"""Neurons of the second zoo beside their slow float64 references."""

import re

import torch

from psubench.neurons import build, build_reference, parse

SERIAL = [
    "cuba-lif", "cuba-lif(reset=soft,detach_reset=true)", "cuba-lif(learn_decay=true,c=0.3,d=0.9)",
    "clif", "clif(tau=4,threshold=0.6)", "glif", "glif(decay=0.6,threshold=0.8,conduct=0.3,alpha=2)",
    "adlif", "adlif(threshold=0.3,alpha=0.5)", "tc-lif", "tc-lif(gamma=0,threshold=0.5,alpha=2)",
    "ilif", "ilif(D=1,tau=2)", "ilif(D=7,threshold=0.4,detach_reset=false)",
    "ternary-lif", "ternary-lif(reset=soft,detach_reset=true,tau=2)", "ternary-lif(reset=soft,alpha=1)",
]  # fmt: skip
PARALLEL = [
    "fpt", "fpt(hard=true)", "fpt(K=0)", "fpt(K=7,tau=4,decay_input=false,threshold=0.5,alpha=2)",
    "prf(threshold=0.02)", "prf(tau=5,scale=100,threshold=0.05)", "pmsn", "pmsn(threshold=0.3)",
    "mulfree-psn", "mulfree-psn(k=3,dilation=2)", "mulfree-psn(k=1,dilation=5)",
    "lif@decoupled", "lif@decoupled(decay_input=false,tau=3.5,threshold=0.7)",
]  # fmt: skip
FUSED = [re.sub(r"^[a-z-]+", r"\g<0>@fused", text) for text in SERIAL]
EVERY = SERIAL + PARALLEL + FUSED


def noise(T, *shape, dtype=torch.float64, mean=1.0):
    return (torch.randn(T, *shape, dtype=torch.float64) + mean).to(dtype)


def pair(text, x, training=True):
    """A neuron with stirred weights, shaped for x, and its reference with the same ones."""
    torch.manual_seed(1)
    module = build(parse(text), len(x)).to(x.dtype).train(training)
    with torch.no_grad():
        module(x)
        for parameter in module.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    reference = build_reference(parse(text), len(x)).double().train(training)
    reference.load_state_dict(module.state_dict())
    return module, reference


def gradients(module, x, cotangent):
    """Output, and the gradients of the input and of every parameter by name."""
    x = x.clone().requires_grad_()
    named = {"x": x, **dict(module.named_parameters())}
    spikes = module(x)
    found = torch.autograd.grad(spikes, list(named.values()), cotangent, allow_unused=True)
    return spikes.detach(), dict(zip(named, found, strict=True))


def agree(text, x, cotangent, training=True):
    module, reference = pair(text, x, training)
    spikes, got = gradients(module, x, cotangent)
    expected, due = gradients(reference, x, cotangent)
    assert torch.equal(spikes, expected)
    assert got.keys() == due.keys()
    for name, gradient in due.items():
        torch.testing.assert_close(got[name], gradient, rtol=1e-8, atol=1e-9)
    with torch.inference_mode():
        assert torch.equal(module(x), spikes)
    return spikes, due
