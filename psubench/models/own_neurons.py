"""Networks that bring their neurons along: spiking layers found, state put back before every call.

Such a network is measured as it is. Its forward pass is replaced by one that begins with fresh state and
gives logits [B, classes], whatever form its output has; names of parameters stay as they are.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from psubench.errors import PsubenchError, nearest
from psubench.models import plugin, time_axis
from psubench.models.fresh_state import FreshState
from psubench.models.names import ModelRef
from psubench.models.network import Network
from psubench.neurons.foreign import layers

_LISTED = 12
"""Names of modules that an error shows at most."""


def with_own_neurons(ref: ModelRef, T: int, input_shape: tuple[int, ...]) -> Network:
    """The network of a plug-in that takes no neuron.

    Raises:
        PsubenchError: it cannot be built, or holds no spiking layer that is known or named.
    """
    module = plugin.made_alone(ref, T)
    spiking = spiking_layers(module, ref)
    fresh = FreshState(module, spiking.values())
    run_as_is(module, fresh, steps=ref.steps)
    network = Network(module, spiking, input_shape, own=True, made=len(spiking))
    return replace(network, failure=time_axis.examine(network, ref.name, T, fresh.keep_what_changes))


def spiking_layers(module: nn.Module, ref: ModelRef) -> dict[str, nn.Module]:
    """Layers whose classes are known or whose names match, each without what it holds inside.

    Raises:
        PsubenchError: a pattern matches nothing, or there is no spiking layer.
    """
    named = dict(module.named_modules())
    for pattern in ref.spiking:
        if not any(fnmatchcase(name, pattern) for name in named):
            raise PsubenchError(
                f'model plug-in "{ref.name}": no module matches --spiking "{pattern}"',
                nearest(pattern, _candidates(module)),
            )
    found: dict[str, nn.Module] = {}
    for name, layer in named.items():
        if any(not outer or name.startswith(f"{outer}.") for outer in found):
            continue
        chosen = any(fnmatchcase(name, pattern) for pattern in ref.spiking)
        if chosen or layers.library(layer) is not None:
            found[name] = layer
    if not found:
        raise PsubenchError(
            f'model plug-in "{ref.name}" takes no neuron, and none of its modules is a known spiking layer',
            f"name its spiking layers with --spiking; its modules are {', '.join(_candidates(module))}",
        )
    return found


def _candidates(module: nn.Module) -> list[str]:
    """Names that a user may have meant: the modules that are not torch's own first."""
    names = [(name, type(layer).__module__) for name, layer in module.named_modules() if name]
    names.sort(key=lambda one: one[1].startswith("torch."))
    listed = [name for name, _ in names[:_LISTED]]
    return [*listed, *(["..."] if len(names) > _LISTED else [])] or ["none"]


def run_as_is(module: nn.Module, fresh: FreshState, *, steps: bool) -> None:
    """Replaces the forward pass of a module by x [T, B, *] -> logits [B, classes] with fresh state.

    Args:
        steps: whether the module takes one step [B, *] at a time.
    """

    def forward(self: nn.Module, x: Tensor) -> Tensor:
        fresh.put_back()
        inside = type(self).forward
        output = [inside(self, now) for now in x.unbind(0)] if steps else inside(self, x)
        return logits(output, tuple(x.shape[:2]))

    module.forward = types.MethodType(forward, module)


def logits(output: Any, leading: Sequence[int]) -> Tensor:
    """[B, classes] of what a network gives: the first tensor in it, its mean over the steps if it has them.

    Args:
        output: a tensor [B, classes] or [T, B, classes], a list of the outputs of all steps, or a tuple that
            begins with one of these.
        leading: T and B.

    Raises:
        PsubenchError: it is none of these.
    """
    T, B = leading
    found = output
    if isinstance(output, list | tuple):
        parts = [_first(part) for part in output]
        same = len({tuple(part.shape) for part in parts if part is not None}) == 1
        if isinstance(output, list) and len(parts) == T and same and None not in [type(p) for p in parts]:
            found = torch.stack([part for part in parts if part is not None])
        else:
            found = _first(output)
    if isinstance(found, Tensor):
        if found.dim() >= 3 and tuple(found.shape[:2]) == (T, B):
            found = found.mean(0)
        elif found.dim() >= 3 and tuple(found.shape[:2]) == (B, T):
            found = found.mean(1)
        if found.dim() >= 1 and found.shape[0] == B:
            return found.flatten(1) if found.dim() != 1 else found[:, None]
    shape = list(found.shape) if isinstance(found, Tensor) else type(output).__name__
    raise PsubenchError(
        f"the network gives {shape} for T={T} and B={B}",
        "let it give [B, classes] or [T, B, classes]; if it takes one step at a time, write net.py:Net@step",
    )


def _first(output: Any) -> Tensor | None:
    """The first tensor of a nested tuple."""
    while isinstance(output, list | tuple) and len(output):
        output = output[0]
    return output if isinstance(output, Tensor) else None
