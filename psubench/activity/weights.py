"""Which tensors are weights, and whose: by the memory that they live in, which views share.

What an operation makes of nothing but weights (a transposed copy, a cast, a product with a mask) is a
weight too. All else is an activation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

_PARAMETRISED = re.compile(r"\.?parametrizations\.(\w+)\.original\d*$")
# The latter are torch's names for pruned and normed weights.
_OWN = re.compile(r"(weight|bias)(_orig|_g|_v)?")
_FILLED = {
    *("empty", "empty_like", "new_empty", "new_empty_strided", "empty_strided"),
    *("zeros", "zeros_like", "new_zeros", "ones_like", "new_ones", "full_like", "new_full"),
    *("rand_like", "randn_like"),
}
"""Operations that take no more than the shape of what they are given."""


@dataclass(frozen=True)
class Mark:
    """What a weight is.

    Attributes:
        layer: that it counts for.
        synapse: false inside a neuron.
        recurrent: whether it carries a layer's output back into the layer.
        learned: false for a buffer, which may be a state: beside a parameter it counts as an activation.
        shape: of the parameter or buffer.
    """

    layer: str
    synapse: bool
    recurrent: bool
    learned: bool
    shape: tuple[int, ...]


class Marks:
    """A value per memory, forgotten with the memory."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[StorageWeakRef, Any]] = {}

    def get(self, tensor: Tensor) -> Any:
        """The value of the tensor's memory, or None."""
        storage = _storage(tensor)
        # The weak reference keeps the address from being given to another memory.
        return None if storage is None else self._of.get(storage._cdata, (None, None))[1]

    def set(self, tensor: Tensor, value: Any) -> None:
        """Gives the tensor's memory a value; None takes it away."""
        storage = _storage(tensor)
        if storage is None:
            return
        if value is None:
            self._of.pop(storage._cdata, None)
        else:
            self._of[storage._cdata] = (StorageWeakRef(storage), value)  # type: ignore[no-untyped-call]

    def forget_freed(self) -> None:
        """Drops what belongs to memory that is gone."""
        self._of = {at: kept for at, kept in self._of.items() if not _gone(kept[0])}


def _gone(memory: StorageWeakRef) -> bool:
    return bool(memory.expired())  # type: ignore[no-untyped-call]


def _storage(tensor: Tensor) -> torch.UntypedStorage | None:
    if tensor.layout is torch.sparse_coo:
        tensor = tensor._values()
    elif tensor.layout is not torch.strided:
        tensor = tensor.values()
    try:
        return tensor.untyped_storage()
    except (RuntimeError, NotImplementedError):  # wrapped tensors have none
        return None


def layer_of(parameter: str) -> str:
    """The layer that a parameter's name stands for: `fc1` for `fc1.weight`, else the name itself."""
    parametrised = _PARAMETRISED.search(parameter)
    if parametrised is not None:
        owner = parameter[: parametrised.start()]
        parameter = f"{owner}.{parametrised[1]}" if owner else parametrised[1]
    owner, dot, last = parameter.rpartition(".")
    return owner if dot and _OWN.fullmatch(last) else parameter


class Weights:
    """The weights of a module.

    Args:
        module: all of whose parameters and buffers are weights.
        neurons: names of the modules in it whose weights are no synapses.
        recurrent: names of parameters, or of modules that own them, that are recurrent synapses, beside
            those that torch's recurrent layers call weight_hh.
    """

    def __init__(self, module: nn.Module, neurons: Iterable[str], recurrent: Collection[str]) -> None:
        self._marks = Marks()
        inside = tuple(f"{name}." if name else "" for name in neurons)
        tensors: Mapping[str, Tensor] = dict(module.named_buffers()) | dict(module.named_parameters())
        for name, tensor in tensors.items():
            layer = layer_of(name)
            again = layer in recurrent or name in recurrent or ".weight_hh" in f".{name}"
            synapse, learned = not name.startswith(inside), isinstance(tensor, nn.Parameter)
            self._marks.set(tensor, Mark(layer, synapse, again, learned, tuple(tensor.shape)))

    def mark(self, tensor: Tensor) -> Mark | None:
        """What weight a tensor is, or None for an activation."""
        found: Mark | None = self._marks.get(tensor)
        return found

    def follow(self, name: str, given: list[Tensor], made: list[Tensor]) -> None:
        """Marks what an operation made, if it was given nothing but weights; unmarks what it overwrote.

        Args:
            name: of the operation, without its overload.
        """
        marks = [self.mark(tensor) for tensor in given]
        if marks and all(marks) and name not in _FILLED:
            mark = next((mark for mark in marks if mark is not None and mark.learned), marks[0])
            for tensor in made:
                if self.mark(tensor) is None and tensor.dtype.is_floating_point:
                    self._marks.set(tensor, mark)
        elif name.endswith("_") and marks and marks[0] is not None and not marks[0].learned:
            self._marks.set(given[0], None)  # a buffer that holds an activation from now on

    def forget_freed(self) -> None:
        """Drops what belongs to memory that is gone."""
        self._marks.forget_freed()
