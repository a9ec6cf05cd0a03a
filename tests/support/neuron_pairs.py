"""Neurons beside their slow float64 references."""

import re

import torch

from psubench.neurons import build, build_reference, parse

SERIAL = [
    f"{kind}(reset={reset},detach_reset={detach}{leak})"
    for kind, leaks in (
        ("if", [""]),
        ("lif", [",decay_input=true", ",decay_input=false,tau=3.5,threshold=0.7"]),
        ("plif", [",decay_input=true,tau=1.5", ",decay_input=false"]),
    )
    for leak in leaks
    for reset in ("soft", "hard")
    for detach in ("true", "false")
]


PARALLEL = [
    "lif-noreset", "lif-noreset(tau=7,alpha=4,threshold=0.3)",
    "psn", "psn(threshold=0.2)", "masked-psn(threshold=0.3)", "masked-psn(k=1,lam=0)",
    "masked-psn(k=1,lam=0.3)", "sliding-psn", "sliding-psn(k=5,threshold=0.5)", "sliding-psn(k=40)",
    "spsn", "spsn(learn_tau=true,tau=3)", "spsn(gradient=scaled)",
]  # fmt: skip


PSU = [
    "psu", "psu@scan", "psu(tau=5,threshold=0.4)", "psu@scan(tau=5,threshold=0.4)",
    "psu(tau=3,released=true,threshold=0.5)", "psu@scan(tau=3,released=true,threshold=0.5)",
    "ipsu", "ipsu(init=leak,tau=3)", "ipsu(estimate=membrane,threshold=0.5)",
    "ipsu(estimate=input,threshold=0.5)", "ipsu(released=true,tau=3,threshold=0.5)",
    "rpsu", "rpsu(init=leak,tau=3)", "rpsu(released=true,tau=3,threshold=0.5)",
]  # fmt: skip


FUSED = [
    re.sub(r"^[a-z-]+", r"\g<0>@fused", text)
    for text in SERIAL + PARALLEL + PSU
    if "@" not in text and not text.startswith("spsn")
]


EVERY = SERIAL + PARALLEL + PSU + FUSED


def pair(text, T, dtype=torch.float64):
    """A neuron with stirred weights and its reference with the same ones."""
    torch.manual_seed(1)
    module = build(parse(text), T).to(dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    reference = build_reference(parse(text), T)
    reference.double().load_state_dict({k: v.double() for k, v in module.state_dict().items()})
    return module, reference


def gradients(module, x, cotangent):
    """Spikes, and gradients of the input and of every parameter by name, under one fixed seed."""
    x = x.clone().requires_grad_()
    named = {"x": x, **dict(module.named_parameters())}
    torch.manual_seed(2)
    spikes = module(x)
    found = torch.autograd.grad(spikes, list(named.values()), cotangent, allow_unused=True)
    return spikes.detach(), dict(zip(named, found, strict=True))


def noise(T, *shape, dtype=torch.float64, mean=1.0):
    """N(mean, 1) as float64, rounded to dtype."""
    return (torch.randn(T, *shape, dtype=torch.float64) + mean).to(dtype)
