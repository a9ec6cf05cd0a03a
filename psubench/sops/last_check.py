"""Whether anything that was not counted depends on a weight, judged by the network and not by the counter.

The network runs with its weights and with others. The results of counted operations are replaced by the same
noise in all runs. If neurons, counted operations and the output then receive the same values, whatever the
weights are, every effect of a weight passes through a counted operation. If not, the weight is used in
another way: in numpy, in another thread, by a kernel, or in a form that the counter has not recognised.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.jit import ScriptModule

from psubench.neurons.calling import grad_mode
from psubench.sops.counter import Counter
from psubench.sops.marks import Mark
from psubench.sops.trail import Trail
from psubench.sops.verdict import WHOLE, Verdict
from psubench.sops.weight_tracking import Weights

HIDDEN = "an effect of its weights that no counted operation explains"
UNREPEATABLE = "not checked: the network gives other values when it is called again"


def last_check(
    module: nn.Module,
    spiking: Mapping[str, nn.Module],
    x: Tensor,
    incomplete: Collection[str],
    *,
    inference: bool = True,
) -> Verdict:
    """Looks for effects of weights that are not counted.

    Args:
        x: some samples [T, B, *].
        incomplete: layers that are known to be incomplete, which are not checked.
        inference: whether the network runs in inference mode; else under `no_grad`.
    """
    weights = Weights(module, spiking, ())
    known = [(tensor, mark) for tensor, mark in weights.synapses() if mark.layer not in incomplete]
    asked = [(tensor, mark) for tensor, mark in known if mark.matrix and _changeable(tensor)]
    if not asked:
        return Verdict({}, frozenset())
    names = frozenset(name for _, mark in asked for name in mark.roots)

    def run(changed: Collection[tuple[Tensor, Mark]], seed: int = 0) -> Trail | str:
        tensors = [tensor for tensor, _ in changed]
        with grad_mode(train=False, inference=inference):
            return _walk(module, spiking, x, tensors, seed)

    plain = run(())
    if isinstance(plain, str):
        return Verdict({WHOLE: plain}, frozenset())
    if all(_same(plain, run(asked, seed)) for seed in _SEEDS):
        return Verdict({}, names)
    if not _same(plain, run(())):
        return Verdict({WHOLE: UNREPEATABLE}, frozenset())
    found = [
        mark for tensor, mark in asked if not all(_same(plain, run([(tensor, mark)], s)) for s in _SEEDS)
    ]
    hidden = {mark.layer: HIDDEN for mark in found} or {WHOLE: HIDDEN}
    return Verdict(hidden, names - frozenset(layer for mark in found for layer in mark.roots))


_SEEDS = (1, 2)


def _same(one: Trail, other: Trail | str) -> bool:
    return isinstance(other, Trail) and one.same(other)


def _changeable(tensor: Tensor) -> bool:
    return tensor.numel() > 0 and tensor.layout is torch.strided and not tensor.is_quantized


def _walk(
    module: nn.Module, spiking: Mapping[str, nn.Module], x: Tensor, changed: Collection[Tensor], seed: int
) -> Trail | str:
    """The trail of a forward pass with some weights changed, or the reason, as text, why there is none."""
    trail = Trail()
    devices = [x.device] if x.device.type == "cuda" else []
    with torch.random.fork_rng(devices), _restored(module), _replaced(changed, seed):
        torch.manual_seed(0)
        try:
            with Counter(module, spiking, trail=trail):
                module(x)
        except Exception as error:  # a network may refuse noise, for any reason
            return f"not checked: {type(error).__name__} when its layers return noise"
    return trail


@contextmanager
def _restored(module: nn.Module) -> Iterator[None]:
    """Restores the buffers of a module."""
    values = [(buffer, buffer.clone()) for buffer in module.buffers()]
    # A script does not expose its buffers; none of them is replaced.
    parts = [part for part in module.modules() if not isinstance(part, ScriptModule)]
    before = [(part, dict(part._buffers)) for part in parts]
    try:
        yield
    finally:
        for part, buffers in before:
            part._buffers.clear()
            part._buffers.update(buffers)
        for buffer, value in values:
            buffer.copy_(value)


@contextmanager
def _replaced(tensors: Collection[Tensor], seed: int) -> Iterator[None]:
    """Gives tensors other values temporarily."""
    before = [tensor.detach().clone() for tensor in tensors]
    draws = torch.Generator().manual_seed(seed)
    try:
        for tensor in tensors:
            tensor.detach().copy_(_other(tensor, draws))
        yield
    finally:
        for tensor, value in zip(tensors, before, strict=True):
            tensor.detach().copy_(value)


def _other(tensor: Tensor, draws: torch.Generator) -> Tensor:
    if tensor.dtype is torch.bool:
        return ~tensor
    if not tensor.is_floating_point() and not tensor.is_complex():
        return tensor.flatten().roll(1).view(tensor.shape)  # indices stay in their range
    scale = max(1.0, float(tensor.abs().nan_to_num(0, 0, 0).max()))
    other = torch.randn(tensor.shape, generator=draws).mul_(2 * scale)
    return other.to(tensor.device)
