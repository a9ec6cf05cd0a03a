"""Which tensors are weights, and of which layer, and which are activations, judged by their memory.

What an operation computes only from weights and constants (a transposed copy, a cast, a spectrum, a product
with a mask) is a weight too. What it computes from an activation is an activation, whatever the other inputs
are, and so is memory into which an activation was written. Nothing is known about other memory.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from psubench.sops.marks import Kind, Label, Mark, gone, storage

_PARAMETRISED = re.compile(r"\.?parametrizations\.(\w+)\.original\d*$")
# The latter are torch's names for pruned and normed weights.
_OWN = re.compile(r"(weight|bias)(_orig|_g|_v)?")
_FILLED = {
    *("empty", "empty_like", "new_empty", "new_empty_strided", "empty_strided"),
    *("zeros", "zeros_like", "new_zeros", "ones_like", "new_ones", "full_like", "new_full"),
    *("rand_like", "randn_like"),
}
"""Operations that use only the shape of their inputs."""
_FOREIGN = {"lift_fresh", "lift_fresh_copy"}
"""Operations whose result was made from numbers or arrays from elsewhere."""


@dataclass
class _Memory:
    """The content of one memory: weights by their bytes, then what was written over them."""

    memory: StorageWeakRef
    all: Label = None
    weights: list[tuple[int, int, Mark]] = field(default_factory=list)
    activations: list[tuple[int, int]] = field(default_factory=list)


def _bytes(tensor: Tensor) -> tuple[int, int]:
    """First and last byte of a tensor in its memory."""
    if tensor.layout is not torch.strided:
        return 0, 1 << 62
    size = tensor.element_size()
    first = int(tensor.storage_offset()) * size
    if not tensor.numel():
        return first, first
    steps = sum(int(s) * (n - 1) for s, n in zip(tensor.stride(), tensor.shape, strict=True))
    return first, first + (steps + 1) * size


def layer_of(parameter: str) -> str:
    """The layer that a parameter's name stands for: `fc1` for `fc1.weight`, else the name itself."""
    parametrised = _PARAMETRISED.search(parameter)
    if parametrised is not None:
        owner = parameter[: parametrised.start()]
        parameter = f"{owner}.{parametrised[1]}" if owner else parametrised[1]
    owner, dot, last = parameter.rpartition(".")
    return owner if dot and _OWN.fullmatch(last) else parameter


@cache
def writes(func: Any) -> tuple[tuple[int, str], ...]:
    """Places and names of the arguments that an operation writes to."""
    arguments = enumerate(func._schema.arguments)
    return tuple((at, a.name) for at, a in arguments if a.alias_info is not None and a.alias_info.is_write)


class Weights:
    """The weights of a module, and what is known about all other memory.

    Args:
        module: all of whose parameters and buffers are weights.
        neurons: names of the modules in it whose weights are not synapses.
        recurrent: names of parameters, or of modules that own them, that are recurrent synapses, in
            addition to weight_hh of torch's recurrent layers.
    """

    def __init__(self, module: nn.Module, neurons: Iterable[str], recurrent: Collection[str]) -> None:
        self._memories: dict[int, _Memory] = {}
        self._recurrent = recurrent
        self._inside = tuple(f"{name}." if name else "" for name in neurons)
        self._module = module
        self._given: dict[int, tuple[Tensor, Mark]] = {}
        self.register()

    def register(self) -> None:
        """Registers the parameters and buffers that the module has by now."""
        for name, tensor in (*self._module.named_buffers(), *self._module.named_parameters()):
            if id(tensor) not in self._given and not isinstance(
                tensor, UninitializedBuffer | UninitializedParameter
            ):
                self._take_up(name, tensor)

    def adopt(self, parameter: Tensor) -> None:
        """Registers a parameter that was created in the forward pass or outside of the module."""
        if id(parameter) not in self._given:
            self.register()
        if id(parameter) not in self._given:
            self._take_up(f"parameter {'x'.join(map(str, parameter.shape))} outside of the module", parameter)

    def _take_up(self, name: str, tensor: Tensor) -> None:
        mark = self._mark(name, tensor)
        self._given[id(tensor)] = tensor, mark
        memory = self._memory(tensor)
        if memory is not None:
            memory.weights.append((*_bytes(tensor), mark))

    def _mark(self, name: str, tensor: Tensor) -> Mark:
        layer = layer_of(name)
        again = layer in self._recurrent or name in self._recurrent or ".weight_hh" in f".{name}"
        synapse, learned = not name.startswith(self._inside), isinstance(tensor, nn.Parameter)
        return Mark(layer, synapse, again, learned, tuple(tensor.shape), frozenset({name}))

    def synapses(self) -> list[tuple[Tensor, Mark]]:
        """All parameters and buffers outside of neurons."""
        return [(tensor, mark) for tensor, mark in self._given.values() if mark.synapse]

    def _memory(self, tensor: Tensor) -> _Memory | None:
        found = storage(tensor)
        if found is None:
            return None
        memory = self._memories.get(found._cdata)
        if memory is None:
            memory = _Memory(StorageWeakRef(found))  # type: ignore[no-untyped-call]
            self._memories[found._cdata] = memory
        return memory

    def label(self, tensor: Tensor) -> Label:
        """What a tensor is."""
        found = storage(tensor)
        memory = None if found is None else self._memories.get(found._cdata)
        if memory is None:
            return None
        if not memory.weights and not memory.activations:
            return memory.all
        first, last = _bytes(tensor)
        if any(low < last and first < high for low, high in memory.activations):
            return Kind.ACTIVATION
        met = [mark for low, high, mark in memory.weights if low < last and first < high]
        return max(met, key=_weight, default=memory.all)

    def mark(self, tensor: Tensor) -> Mark | None:
        """The mark of a weight, or None for any other tensor."""
        label = self.label(tensor)
        return label if isinstance(label, Mark) else None

    def activation(self, tensor: Tensor) -> None:
        """A tensor contains an activation from now on."""
        memory = self._memory(tensor)
        if memory is None:
            return
        if memory.weights or memory.all not in (None, Kind.CONSTANT):
            memory.activations.append(_bytes(tensor))
        else:
            memory.all = Kind.ACTIVATION

    def give(self, tensor: Tensor, label: Label) -> None:
        """Labels new memory."""
        memory = self._memory(tensor)
        if memory is not None:
            memory.all, memory.weights, memory.activations = label, [], []

    def follow(self, name: str, given: Sequence[Tensor], made: Iterable[Tensor], func: Any = None) -> None:
        """Labels what an operation made and what it wrote to.

        Args:
            name: of the operation, without its overload.
            func: the operation, if it may write to its inputs.
        """
        label = None if name in _FOREIGN else Kind.CONSTANT if name in _FILLED else self.joined(given)
        before = {memory._cdata for tensor in given if (memory := storage(tensor)) is not None}
        writing = func is not None and bool(writes(func))
        for tensor in made:
            memory = storage(tensor)
            if memory is None:
                continue
            if memory._cdata not in before:
                self.give(tensor, label)
            elif writing:
                self._written(tensor, label)

    def joined(self, given: Sequence[Tensor]) -> Label:
        """The label of what an operation computes from some tensors."""
        labels = [self.label(tensor) for tensor in given]
        if Kind.ACTIVATION in labels:
            return Kind.ACTIVATION
        marks = [label for label in labels if isinstance(label, Mark)]
        if len(marks) > 1:
            return replace(
                max(marks, key=_weight),
                roots=frozenset[str]().union(*(mark.roots for mark in marks)),
                pending=tuple(dict.fromkeys(number for mark in marks for number in mark.pending)),
                product=any(mark.product for mark in marks),
            )
        if marks:
            return marks[0]
        return None if None in labels else Kind.CONSTANT

    def _written(self, tensor: Tensor, label: Label) -> None:
        memory = self._memory(tensor)
        if memory is None:
            return
        if label is Kind.ACTIVATION:
            self.activation(tensor)
        elif memory.weights:
            met = self.mark(tensor)
            if met is not None and not met.learned:
                self.activation(tensor)  # a buffer that the forward pass writes to is a state
        elif memory.all is not Kind.ACTIVATION:
            memory.all = label

    def forget_freed(self) -> None:
        """Drops what belongs to memory that is gone."""
        self._memories = {at: kept for at, kept in self._memories.items() if not gone(kept.memory)}


def _weight(mark: Mark) -> tuple[bool, int]:
    """The mark in which an operation is counted: parameters before buffers, matrices before biases."""
    return mark.learned, len(mark.shape)
