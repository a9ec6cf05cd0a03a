"""A single-step stateful neuron as a neuron over all steps: reset, loop over T, stack.

Users of SpikingJelly, snnTorch and norse write neurons like this: called with the input of one step [B,
*features], with state inside of the module, or passed in and returned as (spikes, state).
"""

from __future__ import annotations

import copy
import inspect
from typing import Any

import torch
from torch import Tensor, nn

from psubench.neurons.checks import check_shape

_MACHINERY = frozenset(vars(nn.Module()))
"""Attributes that every module has: parameters, hooks, submodules. They are not state of a neuron."""


class Stepwise(nn.Module):
    """[T, B, *features] -> [T, B, *features] from a module for one step, with fresh state in every call.

    State inside the module is restored to its value after construction, and its own `reset` is called
    if it has one. State that is passed in starts as what `reset_mem` or `init_state` returns, else as None
    if that is the parameter's default, else as zeros shaped like a step.

    Args:
        node: the module for one step.
    """

    def __init__(self, node: nn.Module) -> None:
        super().__init__()
        self.node = node
        # In tuples, so that torch does not treat their contents as submodules or buffers of this module.
        self._fresh = tuple((module, _state_of(module)) for module in node.modules())
        given = list(inspect.signature(node.forward).parameters.values())[1:]
        self._passed = [p for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        self._reset()
        state = self._begin(x[0])
        spikes = []
        for now in x.unbind(0):
            output = self.node(now, *state)
            if isinstance(output, tuple | list):
                spike, *after = output
                state = tuple(after[: len(self._passed)]) if self._passed else ()
            else:
                spike = output
            spikes.append(spike)
        return torch.stack(spikes)

    def _reset(self) -> None:
        for module, (attributes, buffers) in self._fresh:
            for name in vars(module).keys() - _MACHINERY - attributes.keys():
                del module.__dict__[name]  # kept since the previous call
            module.__dict__.update(copy.deepcopy(attributes))
            for name in module._buffers:
                fresh = buffers.get(name)
                module._buffers[name] = None if fresh is None else fresh.clone()
        if callable(reset := getattr(self.node, "reset", None)):
            reset()

    def _begin(self, step: Tensor) -> tuple[Any, ...]:
        """The state that is passed with the first step."""
        if not self._passed:
            return ()
        for name in ("reset_mem", "init_state"):
            make = getattr(self.node, name, None)
            if callable(make):
                state = make()
                return tuple(state) if isinstance(state, tuple) else (state,)
        return tuple(
            torch.zeros_like(step) if parameter.default is parameter.empty else parameter.default
            for parameter in self._passed
        )

    def _apply(self, fn: Any, recurse: bool = True) -> Stepwise:
        """Also moves the buffers that a reset puts back to another device or dtype."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for _, (_, buffers) in self._fresh:
            for name, value in buffers.items():
                buffers[name] = None if value is None else fn(value)
        return self


def _state_of(module: nn.Module) -> tuple[dict[str, Any], dict[str, Tensor | None]]:
    """Attributes and buffers of a module as they are now, without its submodules."""
    attributes = {name: value for name, value in vars(module).items() if name not in _MACHINERY}
    buffers = {name: None if b is None else b.detach().clone() for name, b in module._buffers.items()}
    return copy.deepcopy(attributes), buffers
