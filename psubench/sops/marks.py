"""What a tensor is, and values attached to its memory, which its views share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef


class Kind(Enum):
    """What a tensor is that is not a weight."""

    ACTIVATION = auto()
    CONSTANT = auto()
    """Made in the forward pass from neither input nor weights."""


@dataclass(frozen=True)
class Mark:
    """What a weight is.

    Attributes:
        layer: that it is counted in.
        synapse: false inside a neuron.
        recurrent: whether it carries a layer's output back into the layer.
        learned: false for a buffer, which may be a state: combined with a parameter it is an activation.
        shape: of the parameter or buffer.
        roots: names of the parameters and buffers from which it was made.
        pending: of a product of a weight with a constant or a buffer, which is a weight if it turns out to
            be used as one, and otherwise a state's way through the weight: its numbers in the ledger.
        product: whether it is a matrix product of parameters: a weight, or a learned state's way through one.
    """

    layer: str
    synapse: bool
    recurrent: bool
    learned: bool
    shape: tuple[int, ...]
    roots: frozenset[str]
    pending: tuple[int, ...] = ()
    product: bool = False

    @property
    def matrix(self) -> bool:
        """Whether it has two or more dimensions, so that its operations are synapses."""
        return self.synapse and len(self.shape) >= 2


Label = Mark | Kind | None
"""What a tensor is; None for one from elsewhere, about which nothing is known."""


class Marks:
    """A value per memory, dropped with the memory."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[StorageWeakRef, Any]] = {}

    def get(self, tensor: Tensor) -> Any:
        """The value of the tensor's memory, or None."""
        memory = storage(tensor)
        # The weak reference keeps the address from being reused for another memory.
        return None if memory is None else self._of.get(memory._cdata, (None, None))[1]

    def set(self, tensor: Tensor, value: Any) -> None:
        """Gives the tensor's memory a value; None removes it."""
        memory = storage(tensor)
        if memory is None:
            return
        if value is None:
            self._of.pop(memory._cdata, None)
        else:
            self._of[memory._cdata] = (StorageWeakRef(memory), value)  # type: ignore[no-untyped-call]

    def forget_freed(self) -> None:
        """Drops what belongs to memory that is gone."""
        self._of = {at: kept for at, kept in self._of.items() if not gone(kept[0])}

    def __bool__(self) -> bool:
        return bool(self._of)


def gone(memory: StorageWeakRef) -> bool:
    """Whether a memory was freed."""
    return bool(memory.expired())  # type: ignore[no-untyped-call]


def storage(tensor: Tensor) -> torch.UntypedStorage | None:
    """The memory of a tensor; of a sparse one, of its values; None for a wrapper without any."""
    try:
        if tensor.layout is torch.sparse_coo:
            tensor = tensor._values()
        elif tensor.layout is not torch.strided:
            tensor = tensor.values()
        return tensor.untyped_storage()
    except (RuntimeError, NotImplementedError):
        return None
