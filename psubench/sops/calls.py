"""An operation of torch that has run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Call:
    """An operation that has run: `aten::mm`, its arguments and its result."""

    func: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    output: Any

    @property
    def name(self) -> str:
        """`aten::mm`, without its overload."""
        return str(self.func.name()).partition(".")[0]

    @property
    def short(self) -> str:
        """`mm`."""
        return self.name.rpartition(":")[2]

    def tensors(self) -> list[Tensor]:
        """All tensors among the arguments."""
        return list(tensors((*self.args, *self.kwargs.values())))

    def outputs(self) -> list[Tensor]:
        """All tensors in its result."""
        return list(tensors((self.output,)))

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """An argument, by position or by name."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(name, default)


def tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    """All tensors in nested sequences and dictionaries."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors(value)
        elif isinstance(value, dict):
            yield from tensors(value.values())
