"""Does a task need time? The same training with its steps shuffled, or without gradient through time.

Shuffled, every sample has its steps in an order of its own, in training and evaluation: what is left is how
often something happens, not when. Detached, the network computes the same, and learns from what a step itself
does to its output, not from what it leaves behind for later steps.
"""

from __future__ import annotations

import types

import torch
from torch import Tensor, nn

from psubench import neurons
from psubench.neurons.outputs import spikes_of
from psubench.training.case import Training


def presented(case: Training, x: Tensor) -> Tensor:
    """The input [T, B, *] as the network of a training gets it; draws the orders from torch's generator."""
    x = neurons.presented(case.neuron, x)
    if case.recipe.time != "shuffled":
        return x
    order = torch.rand(x.shape[:2], device=x.device).argsort(0)
    return x.gather(0, order.view(*order.shape, *[1] * (x.dim() - 2)).expand_as(x))


def detach(case: Training, layer: nn.Module) -> bool:
    """Lets no gradient pass from a step to another, where the training asks for it; whether it does.

    The layer then computes in float32, whatever autocast says.
    """
    if case.recipe.time == "detached":
        forward = _step_by_step if neurons.has_step(case.neuron) else _copy_by_copy
        layer.forward = types.MethodType(forward, layer)
    return case.recipe.time == "detached"


def _step_by_step(layer: nn.Module, x: Tensor) -> object:
    """With the state of the step before as a constant."""
    state, found = None, []
    with torch.autocast(x.device.type, enabled=False):
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        if not torch.is_grad_enabled():
            return type(layer).forward(layer, x)
        for x_t in x.unbind(0):
            s, state = layer.step(x_t, state)  # type: ignore[operator]
            state = _constant(state)
            found.append(s)
    return torch.stack(found)


def _constant(state: Tensor | tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    return state.detach() if isinstance(state, Tensor) else tuple(one.detach() for one in state)


def _copy_by_copy(layer: nn.Module, x: Tensor) -> object:
    """T copies of the batch; of copy t only step t has a gradient, and only its output t is used."""
    T, B = x.shape[:2]
    with torch.autocast(x.device.type, enabled=False):
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        if not torch.is_grad_enabled():
            return type(layer).forward(layer, x)
        own = torch.eye(T, dtype=torch.bool, device=x.device).view(T, T, *[1] * (x.dim() - 1))
        copies = torch.where(own, x[:, None], x.detach()[:, None])  # [T, copies, B, *]
        spikes: Tensor = spikes_of(type(layer).forward(layer, copies.flatten(1, 2)))
    return spikes.view(T, T, B, *x.shape[2:]).diagonal(0, 0, 1).movedim(-1, 0)
