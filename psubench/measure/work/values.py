"""A hash of values that code reads: numbers, texts, containers, tensors, and objects by their attributes."""

from __future__ import annotations

import functools
import hashlib
import inspect
import operator
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor

import psubench
from psubench.plugins import is_installed

MOST_VALUES = 100_000
_PLAIN = (
    type(None), bool, int, float, complex, bytes, range, slice, type(Ellipsis), type(NotImplemented),
    torch.dtype, torch.device, torch.layout, torch.memory_format, Enum,
)  # fmt: skip
_CALLED = (
    FunctionType, BuiltinFunctionType, classmethod, staticmethod, property, functools.cached_property,
    type(functools.lru_cache(int)), type(dict.get), type(int.__add__), type((1).__add__),
    torch.jit.ScriptFunction, torch._C.ScriptMethod,
)  # fmt: skip
"""Their code is counted when it runs."""
_OWN = str(Path(psubench.__file__).parent)


@cache
def is_own(file: str) -> bool:
    """Whether a file is psubench's or the user's, rather than an installed package's or Python's."""
    if file.startswith(_OWN):
        return True
    path = Path(file)
    return not (file.startswith("<") or is_installed(path) or is_installed(path.resolve()))


@dataclass
class Values:
    """A hash that grows with every value that is added.

    Attributes:
        contents: whether the numbers in tensors count, or only their shapes and dtypes.
        unknown: types of objects that cannot be looked into.
    """

    contents: bool = True
    unknown: set[str] = field(default_factory=set)
    _whole: Any = field(default_factory=hashlib.sha256)
    _seen: dict[int, Callable[[], Any]] = field(default_factory=dict)
    _here: str = field(default_factory=lambda: str(Path.cwd()))

    def add(self, value: Any) -> None:
        """A value and everything that it contains; an object that was added before counts by its type."""
        stack, within, count = [value], dict[int, Any](), 0
        while stack:
            count += 1
            if count > MOST_VALUES:
                self.unknown.add("more values than are looked at")
                return
            one = stack.pop()
            self._whole.update(type(one).__name__.encode() + b"\0")
            if isinstance(one, _PLAIN):
                self._text(repr(one))
            elif isinstance(one, str):
                self._text(one.replace(self._here, "."))  # each revision lies in a folder of its own
            elif id(one) not in within and not self._known(one):
                within[id(one)] = one  # kept, so that nothing else gets its address
                stack += reversed(list(self._inside(one)))

    def _known(self, value: Any) -> bool:
        """Whether it was added before. It is not kept alive: that would change what is measured."""
        before = self._seen.get(id(value), _nothing)()
        with suppress(TypeError):  # lists and such are looked into again
            self._seen[id(value)] = weakref.ref(value)
        return before is value

    def digest(self) -> str:
        """Of everything so far."""
        return str(self._whole.hexdigest())

    def _text(self, text: str) -> None:
        self._whole.update(text.encode(errors="replace") + b"\0")

    def _inside(self, value: Any) -> Iterator[Any]:
        if isinstance(value, Tensor):
            yield from self._tensor(value)
        elif isinstance(value, tuple | list | deque):
            yield from (len(value), *value)
        elif isinstance(value, set | frozenset):
            yield from sorted(map(self._alone, value))
        elif isinstance(value, MethodType):
            yield from (value.__func__, value.__self__)
        elif isinstance(value, functools.partial):
            yield from (value.func, value.args, value.keywords)
        elif isinstance(value, ModuleType):
            yield value.__name__
        elif isinstance(value, type):
            yield from (value.__name__, *_of_class(value))
        elif isinstance(value, dict):
            yield from (item for pair in value.items() for item in pair)
        elif isinstance(value, Iterator):
            yield operator.length_hint(value)
        elif not isinstance(value, _CALLED):
            yield from self._object(value)

    def _tensor(self, value: Tensor) -> Iterator[Any]:
        yield (value.dtype, value.layout, tuple(value.shape), value.requires_grad)
        if value.layout is torch.strided:
            yield tuple(value.stride())
        if self.contents:
            plain = value.detach().to_dense().contiguous().flatten()
            self._whole.update(plain.view(torch.uint8).numpy().data if plain.numel() else b"")
        yield from (vars(value), value.grad_fn is None)

    def _object(self, value: Any) -> Iterator[Any]:
        if hasattr(value, "__array_interface__"):
            yield from (value.dtype.str, value.shape, value.strides, value.tobytes())
            return
        slots = {name for kind in type(value).__mro__ for name in _names(getattr(kind, "__slots__", ()))}
        attributes = {**getattr(value, "__dict__", {})}
        for name in slots - {"__dict__", "__weakref__"}:
            with suppress(AttributeError):
                attributes[name] = getattr(value, name)
        if not attributes and not hasattr(value, "__dict__"):
            self.unknown.add(type(value).__name__)
        yield from (item for name in sorted(attributes, key=str) for item in (name, attributes[name]))
        yield from (item for kind in type(value).__mro__ for item in _of_class(kind))
        if isinstance(value, dict | list | tuple | set):
            yield from (type(value).__name__, len(value))

    def _alone(self, value: Any) -> str:
        one = Values(self.contents, self.unknown)
        one.add(value)
        return one.digest()


def _nothing() -> None:
    """In place of a reference to an object that was never seen."""


def _names(slots: Any) -> list[str]:
    return [slots] if isinstance(slots, str) else list(slots)


def _of_class(kind: type) -> Iterator[Any]:
    """The values in the body of a class of one's own; its methods are counted when they run."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if kind.__module__ in sys.builtin_module_names or (file is not None and not is_own(file)):
        return  # a plug-in's module need not be listed
    for name, value in vars(kind).items():
        hidden = name.startswith("__") or name == "_abc_impl"
        if not hidden and not inspect.isroutine(value) and not isinstance(value, (*_CALLED, type)):
            yield from (name, value)
