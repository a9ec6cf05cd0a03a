"""Named ranges: while they are on, a trace reads in the network's terms, `conv1: Conv2d`, `neuron1: lif`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn
from torch.profiler import record_function
from torch.utils.hooks import RemovableHandle

from psubench.experiments.profile.trace.summary import FORWARD
from psubench.measure.subject import Subject
from psubench.measure.subjects import InNetwork


@dataclass(frozen=True)
class Layer:
    """A layer that gets a range.

    Attributes:
        name: in the network, "neuron" for the one layer without a network.
        role: "neuron"; "synapse" for a layer with a weight of two or more dimensions, which joins neurons;
            "other" for normalisation, pooling and the like.
        kind: the neuron's name, or the class of the layer.
    """

    name: str
    role: str
    kind: str
    module: nn.Module

    @property
    def title(self) -> str:
        """Name of the range."""
        return f"{self.name}: {self.kind}"


def layers(subject: Subject) -> list[Layer]:
    """The spiking layers, and every other module that holds no further modules."""
    neuron = subject.ref.label
    if not isinstance(subject, InNetwork):
        return [Layer("neuron", "neuron", neuron, subject.module)]
    spiking = subject.network.spiking
    found = []
    for name, module in subject.module.named_modules():
        if name in spiking:
            own = type(module).__name__
            found.append(Layer(name, "neuron", own if subject.network.own else neuron, module))
        elif not any(module.children()) and not any(name.startswith(f"{one}.") for one in spiking):
            weights = any(parameter.ndim > 1 for parameter in module.parameters())
            kind = type(module).__name__
            found.append(Layer(name or kind, "synapse" if weights else "other", kind, module))
    return found


@contextmanager
def named(subject: Subject) -> Iterator[list[Layer]]:
    """Inside, every call of a layer is a range, and so is the forward pass as a whole."""
    found = layers(subject)
    undo: list[Callable[[], None]] = []
    try:
        if isinstance(subject, InNetwork) and subject.mode == "step":
            undo.append(_method(subject.module, "step_by_step", FORWARD))
        else:
            undo.append(_calls(subject.module, FORWARD))
        for layer in found:
            undo.append(_calls(layer.module, layer.title))
            if hasattr(layer.module, "step"):  # which hooks know nothing of
                undo.append(_method(layer.module, "step", layer.title))
        yield found
    finally:
        for one in undo:
            one()


def _calls(module: nn.Module, title: str) -> Callable[[], None]:
    """A range around every call of a module; returns what takes it off again."""
    open_: list[Any] = []

    def enter(*_: object) -> None:
        open_.append(record_function(title))
        open_[-1].__enter__()

    def leave(*_: object) -> None:
        open_.pop().__exit__(None, None, None)

    hooks = [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    return partial(_remove, hooks)


def _remove(hooks: Sequence[RemovableHandle]) -> None:
    for hook in hooks:
        hook.remove()


def _method(module: nn.Module, name: str, title: str) -> Callable[[], None]:
    """A range around every call of a method of one object."""
    method = getattr(module, name)

    def in_range(*arguments: Any, **named_arguments: Any) -> Any:
        with record_function(title):
            return method(*arguments, **named_arguments)

    setattr(module, name, in_range)
    return partial(delattr, module, name)
