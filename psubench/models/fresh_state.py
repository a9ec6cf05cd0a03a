"""State of a network with its own neurons: what it was after construction, put back before every call."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from psubench.neurons.foreign.layers import reset_method

_MACHINERY = frozenset(vars(nn.Module())) | {"forward"}
"""Attributes that every module has: parameters, hooks, submodules; none of them is state of a neuron."""
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type)


@dataclass(frozen=True)
class _Kept:
    """Attributes and buffers of a module after construction."""

    module: nn.Module
    names: frozenset[str]
    attributes: dict[str, Any]
    buffers: dict[str, Tensor | None]

    def keep_what_changes(self) -> None:
        own, held = self.module.__dict__, self.module._buffers
        for name in [name for name, value in self.attributes.items() if _same(own.get(name), value)]:
            del self.attributes[name]
        for name in [name for name, value in self.buffers.items() if _same(held.get(name), value)]:
            del self.buffers[name]

    def put_back(self) -> None:
        own = self.module.__dict__
        for name in own.keys() - _MACHINERY - self.names:
            if not callable(own[name]):  # a range of a profile, say
                del own[name]  # kept since the call before
        for name, value in self.attributes.items():
            if not isinstance(value, _PLAIN):
                own[name] = _copied(value)
            elif own.get(name, own) is not value:
                own[name] = value
        for name, fresh in self.buffers.items():
            now = self.module._buffers.get(name)
            self.module._buffers[name] = fresh if fresh is None else _like(fresh, now)


def _like(fresh: Tensor, now: Tensor | None) -> Tensor:
    """A copy of a buffer on the device and in the dtype of what stands in its place."""
    if now is None:
        return fresh.clone()
    return fresh.to(now.device, now.dtype if fresh.is_floating_point() else fresh.dtype, copy=True)


class FreshState:
    """What is put back before every call.

    A library's own reset comes first. All other modules that are not torch's get their attributes back, and
    spiking layers their buffers too; statistics of normalisation and what torch's own layers keep stay.

    Args:
        module: the network, as constructed.
        spiking: its spiking layers.
    """

    def __init__(self, module: nn.Module, spiking: Iterable[nn.Module]) -> None:
        inside = {id(part) for layer in spiking for part in layer.modules()}
        self._resets: list[Callable[[], object]] = []
        self._kept: list[_Kept] = []
        for part in module.modules():
            method = reset_method(part)
            if method is not None:
                self._resets.append(getattr(part, method))
            elif not type(part).__module__.startswith("torch.") and not isinstance(part, _NormBase):
                self._kept.append(_kept(part, part._buffers if id(part) in inside else {}))

    def keep_what_changes(self) -> None:
        """Told after a call: what the call has not changed is not state, and may be loaded or set later."""
        for kept in self._kept:
            kept.keep_what_changes()

    def put_back(self) -> None:
        """Makes the state what it was."""
        for reset in self._resets:
            reset()
        for kept in self._kept:
            kept.put_back()


def _kept(part: nn.Module, buffers: Mapping[str, Tensor | None]) -> _Kept:
    own = {name: value for name, value in vars(part).items() if name not in _MACHINERY}
    return _Kept(
        part,
        frozenset(own),
        {name: _copied(value) for name, value in own.items()},
        {name: None if value is None else value.detach().clone() for name, value in buffers.items()},
    )


def _same(now: Any, before: Any) -> bool:
    """Whether a value is what it was; what cannot be compared is taken for changed."""
    if now is before:
        return True
    try:
        if isinstance(now, Tensor) and isinstance(before, Tensor):
            return now.shape == before.shape and bool((now == before).all())
        return type(now) is type(before) and bool(now == before)
    except Exception:
        return False


def _copied(value: Any) -> Any:
    """A copy of state; what cannot be copied or is a module is taken as it is."""
    if isinstance(value, (*_PLAIN, nn.Module)) or callable(value):
        return value
    if isinstance(value, Tensor):
        return value.detach().clone() if not isinstance(value, nn.Parameter) else value
    try:
        return copy.deepcopy(value)
    except Exception:  # a lock, an open file, a tensor with a gradient's history: no state of a neuron
        return value
