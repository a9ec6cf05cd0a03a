"""Operators of torch that a call runs, with all that decides how long they take, and what they allocate."""

from __future__ import annotations

import hashlib
import weakref
from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts while inside.

    Operators that consist of others are taken apart: in inference mode, torch would report `matmul` alone.
    Memory is that of the tensors that operators give. What a kernel needs in between follows from the
    operator, which is compared too.

    Attributes:
        calls: by name.
        allocated: bytes of each allocation, in order.
        peak: most bytes that lived at once.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()
        self.allocated: list[int] = []
        self.peak = self._live = 0
        self._lines = hashlib.sha256()
        self._known: dict[int, weakref.ref[Any]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: torch would import its compiler to keep it out of here, which takes a second."""
        return False

    def digest(self) -> str:
        """Of the operators in order."""
        return self._lines.hexdigest()

    def memory_digest(self) -> str:
        """Of the allocations and the peak."""
        return hashlib.sha256(repr((self.allocated, self.peak)).encode()).hexdigest()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Counts an operator and runs it."""
        kwargs = kwargs or {}
        with self:
            result = func.decompose(*args, **kwargs)
        if result is not NotImplemented:
            return result
        name = str(func)
        self.calls[name.split(".")[1] if name.startswith("aten.") else name] += 1
        before = {id(one.untyped_storage()) for one in _tensors((args, kwargs))}
        self._lines.update(f"{name} {_told((args, kwargs))}\n".encode())
        result = func(*args, **kwargs)
        for tensor in _tensors(result):
            self._allocated(tensor, before)
        return result

    def _allocated(self, tensor: Tensor, before: set[int]) -> None:
        storage = tensor.untyped_storage()
        key = id(storage)
        known = self._known.get(key)
        if key in before or (known is not None and known() is storage):
            return
        size = storage.nbytes()
        self._known[key] = weakref.ref(storage)
        weakref.finalize(storage, self._freed, size)
        self.allocated.append(size)
        self._live += size
        self.peak = max(self.peak, self._live)

    def _freed(self, size: int) -> None:
        self._live -= size


def _tensors(value: Any) -> list[Tensor]:
    """The dense tensors among arguments or results."""
    if isinstance(value, Tensor):
        return [value] if value.layout is torch.strided else []
    if isinstance(value, dict):
        value = [*value.values()]
    return [one for part in value for one in _tensors(part)] if isinstance(value, tuple | list) else []


def _told(value: Any) -> str:
    """Arguments in words that are the same in every process."""
    if isinstance(value, Tensor):
        strides = tuple(value.stride()) if value.layout is torch.strided else value.layout
        return f"{value.dtype}{tuple(value.shape)}{strides}{value.device}"
    if isinstance(value, tuple | list):
        return f"[{','.join(map(_told, value))}]"
    if isinstance(value, dict):
        return f"[{','.join(f'{name}={_told(one)}' for name, one in value.items())}]"
    plain = value is None or isinstance(
        value, bool | int | float | complex | str | torch.dtype | torch.device | torch.layout
        | torch.memory_format,
    )  # fmt: skip
    return repr(value) if plain else type(value).__name__
