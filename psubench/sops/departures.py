"""Values that leave torch: what numpy or Python computes from them is not dispatched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

_WAYS = frozenset(
    {
        *("numpy", "__array__", "__dlpack__", "data_ptr", "tolist", "item"),
        *("__float__", "__int__", "__index__", "__complex__"),
    }
)
"""Methods of a tensor. A tensor as a condition is not among them: no value leaves."""


class Departures(TorchFunctionMode):
    """Reports every value that leaves torch while it is entered: the method's name, and the tensor."""

    def __init__(self, leaves: Callable[[str, Tensor], None]) -> None:
        super().__init__()
        self._leaves = leaves

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in _WAYS and args and isinstance(args[0], Tensor):
            self._leaves(name, args[0])
        return func(*args, **(kwargs or {}))
