"""What all adapters share: a module [T, B, *features] -> [T, B, *features] around a neuron of a library."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

Step = Callable[[Tensor, Any], tuple[Tensor, Any]]
"""Spikes and the next state from the input of one step [B, *features] and the state before it."""


class Foreign(nn.Module):
    """A neuron of another library, with fresh state in every call.

    A subclass takes `T` and the library's own parameters under the library's own names.

    Attributes:
        node: the library's module.
        causal: whether no spike depends on later input, for the gate.
    """

    causal = True

    def __init__(self, node: nn.Module) -> None:
        super().__init__()
        self.node = node
        # What a call leaves in the library's buffers is state, not weights.
        self.register_state_dict_post_hook(_only_learned)  # type: ignore[no-untyped-call]

    def own_reference(self) -> nn.Module:
        """The float64 reference with the same switches and names of parameters."""
        raise NotImplementedError

    @classmethod
    def reference(cls, **parameters: Any) -> nn.Module:
        """The reference with the same parameters; T is dropped if the neuron does not take it."""
        if "T" not in inspect.signature(cls).parameters:
            parameters.pop("T", None)
        return cls(**parameters).own_reference()


def _only_learned(module: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    learned = {f"{prefix}{name}" for name, p in module.named_parameters() if p.requires_grad}
    for name in [name for name in state if name.startswith(prefix) and name not in learned]:
        del state[name]


def loop(step: Step, x: Tensor, state: Any) -> Tensor:
    """The spikes [T, B, *features] of a single-step neuron over all steps of x, as its users write it."""
    spikes = []
    for now in x.unbind(0):
        spike, state = step(now, state)
        spikes.append(spike)
    return torch.stack(spikes)


def lif_operations(*, T: int, **_: object) -> Mapping[str, int]:
    """What a LIF neuron computes over T steps, as `psubench.neurons.operations` counts it."""
    return {"mac": T, "ac_per_spike": 1, "cmp": T}
