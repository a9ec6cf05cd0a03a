"""Functions and classes that a plug-in may have replaced: in torch, in the standard library, in psubench."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from operator import is_
from types import FunctionType, ModuleType
from typing import Any

_MODULES = (
    *("torch", "torch.nn.functional", "torch.nn.init", "torch.autograd", "torch.random", "torch.linalg"),
    *("torch._C._nn", "torch._C._VariableFunctions", "torch.nn.modules.module"),
    *("builtins", "gc", "hashlib", "itertools", "json", "math", "operator", "os", "random", "resource"),
    *("signal", "sys", "threading", "time"),
)
_GUARDED = (property, staticmethod, classmethod, ModuleType)


class Names:
    """What the names of modules and classes stand for when it is made; only code is looked at, no values."""

    def __init__(self) -> None:
        self._owners = [(owner, *_entries(owner)) for owner in _owners()]
        self._modules = dict(sys.modules)
        functions = {
            id(f): f
            for owner, _, values in self._owners
            for f in values
            if isinstance(f, FunctionType) and f.__module__.startswith("psubench")
        }
        self._functions = [(f, f.__code__, f.__defaults__, f.__kwdefaults__) for f in functions.values()]

    def put_back(self) -> list[str]:
        """Names that stood for something else; now they are as they were."""
        found = [
            f"sys.modules[{name!r}]"
            for name, module in self._modules.items()
            if sys.modules.get(name) is not module
        ]
        if found:
            sys.modules.update(self._modules)
        for owner, keys, values in self._owners:
            names = vars(owner)
            if not all(map(is_, map(names.get, keys), values)):
                for key, value in zip(keys, values, strict=True):
                    if names.get(key) is not value:
                        setattr(owner, key, value)
                        found.append(_name(owner, key))
            if isinstance(owner, type) and len(names) != len(keys):
                found += _take_off(owner, keys)
        for function, code, defaults, kwdefaults in self._functions:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                function.__code__, function.__defaults__ = code, defaults
                function.__kwdefaults__ = kwdefaults
                found.append(_name(function, "__code__"))
        return found


def _owners() -> Iterator[Any]:
    from torch import Tensor, nn

    yield from (sys.modules[name] for name in _MODULES if isinstance(sys.modules.get(name), ModuleType))
    yield Tensor
    yield from (one for one in vars(nn).values() if isinstance(one, type))
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] == "psubench" and isinstance(module, ModuleType):
            yield module
            yield from (
                one for one in vars(module).values() if isinstance(one, type) and one.__module__ == name
            )


def _entries(owner: Any) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    names: Mapping[str, Any] = vars(owner)
    guarded = {
        key: value
        for key, value in names.items()
        if isinstance(owner, type) or callable(value) or isinstance(value, _GUARDED)
    }
    return tuple(guarded), tuple(guarded.values())


def _take_off(owner: type, keys: tuple[str, ...]) -> list[str]:
    """Names that a class has got since and that hide those of its parents."""
    new = [key for key in vars(owner) if key not in keys and any(hasattr(b, key) for b in owner.__bases__)]
    for key in new:
        delattr(owner, key)
    return [_name(owner, key) for key in new]


def _name(owner: Any, key: str) -> str:
    return f"{getattr(owner, '__qualname__', owner.__name__)}.{key}"
