"""Which spiking layers a network has made of the neurons that it was given: held, copied or kept in a list.

A layer bears the number of the call that made it, and so do its deep copies. Blocks are often cloned, as
`nn.TransformerEncoder` does: each clone spikes as the layer that it was copied from.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch import nn

from psubench.neurons import OUTSIDE

_NUMBER = "_psubench_layer"


class Factory:
    """Makes spiking layers and keeps them.

    Attributes:
        layers: in the order in which they were made.
    """

    def __init__(self, neuron: Callable[[], nn.Module]) -> None:
        self._neuron = neuron
        self.layers: list[nn.Module] = []

    def __call__(self) -> nn.Module:
        """One more layer."""
        layer = self._neuron()
        layer.__dict__.setdefault(_NUMBER, len(self.layers))
        self.layers.append(layer)
        return layer


def number(layer: nn.Module) -> int | None:
    """Which call has made a layer, or the layer that it is a copy of; None of any other module."""
    found: int | None = layer.__dict__.get(_NUMBER)
    return found


def found(module: nn.Module, made: list[nn.Module]) -> dict[str, nn.Module]:
    """The spiking layers of a module by their names, in the order in which they were made.

    Copies of a layer come after it. A layer that only served to be copied is left out. One that the module
    does not hold has a name that begins with `OUTSIDE`; nothing is found where it holds none at all.
    """
    held = [(name, layer) for name, layer in module.named_modules() if number(layer) is not None]
    if not held:
        return {}
    inside = {id(layer) for _, layer in held}
    copied = {number(layer) for _, layer in held}
    lost = [(f"{OUTSIDE}{at}", layer) for at, layer in enumerate(made) if id(layer) not in inside]
    hidden = {id(layer): layer for layer in _in_containers(module) if id(layer) not in inside}
    outside = [(name, layer) for name, layer in lost if id(layer) in hidden or number(layer) not in copied]
    known = inside | {id(layer) for _, layer in outside}
    copies = [layer for layer in hidden.values() if id(layer) not in known]
    more = [(f"{OUTSIDE}{number(layer)}, copy {n}", layer) for n, layer in enumerate(copies, 1)]
    return dict(sorted([*held, *outside, *more], key=lambda one: number(one[1]) or 0))


def give_pairs(layers: Iterable[nn.Module], *, on: bool) -> None:
    """Lets layers give (spikes, None) to a network that unpacks what a neuron gives, or takes that back."""
    for layer in layers:
        if on:
            layer.forward = types.MethodType(_pair, layer)
        else:
            layer.__dict__.pop("forward", None)


def _pair(layer: nn.Module, *given: Any) -> tuple[Any, None]:
    return type(layer).forward(layer, *given), None


def _in_containers(module: nn.Module) -> Iterator[nn.Module]:
    """Marked layers, and those inside of modules, in lists, tuples, sets and dictionaries of attributes."""
    seen: set[int] = set()
    for part in module.modules():
        for name, value in vars(part).items():
            if name not in ("_modules", "_parameters", "_buffers"):
                yield from _within(value, seen)


def _within(value: Any, seen: set[int]) -> Iterator[nn.Module]:
    if id(value) in seen:
        return
    if isinstance(value, nn.Module):
        seen.add(id(value))
        yield from (layer for layer in value.modules() if number(layer) is not None)
    elif isinstance(value, list | tuple | set | frozenset | dict):
        seen.add(id(value))
        for one in value.values() if isinstance(value, dict) else value:
            yield from _within(one, seen)
