"""State of a network with its own neurons: what it was after construction, put back before every call."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
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
    attributes: dict[str, Any]
    buffers: dict[str, Tensor | None]

    def put_back(self) -> None:
        own = self.module.__dict__
        for name in own.keys() - _MACHINERY - self.attributes.keys():
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
            elif not type(part).__module__.startswith("torch."):
                buffers = part._buffers if id(part) in inside and not isinstance(part, _NormBase) else {}
                self._kept.append(
                    _Kept(
                        part,
                        {n: _copied(v) for n, v in vars(part).items() if n not in _MACHINERY},
                        {n: None if b is None else b.detach().clone() for n, b in buffers.items()},
                    )
                )

    def keep_what_changes(self) -> None:
        """Told after a call: buffers that it has left as they were are constants, which may be loaded."""
        for kept in self._kept:
            for name, fresh in [*kept.buffers.items()]:
                now = kept.module._buffers.get(name)
                if (now is None and fresh is None) or (
                    now is not None and fresh is not None and torch.equal(now, _like(fresh, now))
                ):
                    del kept.buffers[name]

    def put_back(self) -> None:
        """Makes the state what it was."""
        for reset in self._resets:
            reset()
        for kept in self._kept:
            kept.put_back()


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
