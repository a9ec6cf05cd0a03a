"""What is known about the elements of a tensor: zeros of a padding, or averages of several elements.

Both follow a tensor through its views, and through operations that only move elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from psubench.sops.calls import Call
from psubench.sops.marks import Marks, storage
from psubench.sops.weight_tracking import writes

_ATEN = torch.ops.aten
MOVES = frozenset(
    {
        _ATEN.clone, _ATEN.copy, _ATEN._to_copy, _ATEN.contiguous, _ATEN.cat, _ATEN.stack,
        _ATEN.flip, _ATEN.roll,
        _ATEN.index_select, _ATEN.repeat, _ATEN._reshape_copy, _ATEN._reshape_alias, _ATEN.im2col,
        _ATEN.constant_pad_nd, _ATEN.alias_copy, _ATEN.view_copy, _ATEN.permute_copy, _ATEN.expand_copy,
        _ATEN.reflection_pad1d, _ATEN.reflection_pad2d, _ATEN.reflection_pad3d,
        _ATEN.replication_pad1d, _ATEN.replication_pad2d, _ATEN.replication_pad3d,
    }
)  # fmt: skip
"""Operations whose outputs are elements of their inputs, or zeros."""
_PLACE = ("dtype", "device", "layout", "pin_memory")
_DECIDING = ("gt", "ge", "lt", "le", "eq", "ne", "sign", "heaviside", "argmax", "argmin")
"""Operations whose results are no longer averages, whatever their inputs are."""


@dataclass(frozen=True)
class Average:
    """Elements that are averages.

    Attributes:
        of: number of elements that each one averages; None if it differs, or if something was computed
            from them.
        why: the reason why their divisor cannot be folded.
    """

    of: int | None
    why: str


class Elements:
    """What is known about the elements of all activations."""

    def __init__(self) -> None:
        self._inside, self._averages = Marks(), Marks()

    def average(self, tensor: Tensor) -> Average | None:
        """The averages that a tensor's elements are, or None."""
        found: Average | None = self._averages.get(tensor)
        return found

    def pooled(self, x: Tensor, output: Tensor, of: int | None, name: str) -> None:
        """The elements of an output are averages of `count` elements of x; None if the number differs."""
        before = self.average(x)
        if before is not None:
            of = None if of is None or before.of is None else of * before.of
        why = f"{name} with windows of several sizes" if before is None or before.of else before.why
        self._averages.set(output, Average(of, "" if of else why))

    def inside(self, tensor: Tensor) -> Tensor | None:
        """True where an element is not padding, in the tensor's shape; None if there is no padding."""
        whole = self._inside.get(tensor)
        if whole is None:
            return None
        here: Tensor = whole.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())
        return here

    def same(self, x: Tensor, output: Tensor) -> None:
        """Elements of an output are elements of x."""
        self._averages.set(output, self.average(x))

    def follow(self, call: Call) -> None:
        """An operation has computed something from some tensors."""
        packet, given, made = call.func._overloadpacket, call.tensors(), call.outputs()
        if packet in MOVES:
            if _adds_zeros(call) or (self._inside and any(self._inside.get(x) is not None for x in given)):
                self._move_inside(call)
            self._move_averages(given, made)
            return
        if packet is _ATEN.copy_ and self._inside:
            self._write_inside(given[0], given[1])
        elif self._inside and writes(call.func):
            for tensor in made:
                self._inside.set(tensor, None)
        if self._averages and not call.short.startswith(_DECIDING):
            self._lose(call, given, made)

    def _move_inside(self, call: Call) -> None:
        """Moves the marks of padding elements like the elements themselves."""

        def inside(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)(inside(item) for item in value)
            if not isinstance(value, Tensor) or not value.is_floating_point():
                return value
            found = self.inside(value)
            return torch.ones(value.shape) if found is None else found

        (output,) = call.outputs()
        if output.layout is not torch.strided or not output.is_floating_point():
            return
        kept = {name: value for name, value in call.kwargs.items() if name not in _PLACE}
        whole = torch.ones(output.untyped_storage().nbytes() // output.element_size())
        here = whole.as_strided(output.size(), output.stride(), output.storage_offset())
        here.copy_(call.func(*inside(call.args), **kept))
        self._inside.set(output, whole)

    def _write_inside(self, target: Tensor, source: Tensor) -> None:
        """Elements were copied into a part of other memory, as a circular padding does."""
        found, whole = self.inside(source), self._inside.get(target)
        if (found is None and whole is None) or target.layout is not torch.strided:
            return
        if whole is None:
            whole = torch.ones(target.untyped_storage().nbytes() // target.element_size())
            self._inside.set(target, whole)
        here = whole.as_strided(target.size(), target.stride(), target.storage_offset())
        here.copy_(torch.ones(()) if found is None else found)

    def _move_averages(self, given: list[Tensor], made: list[Tensor]) -> None:
        found = dict.fromkeys(self.average(tensor) for tensor in given if tensor.is_floating_point())
        if not any(found):
            return
        same = next(iter(found)) if len(found) == 1 else Average(None, "averages combined with other values")
        for tensor in made:
            self._averages.set(tensor, same)

    def _lose(self, call: Call, given: list[Tensor], made: list[Tensor]) -> None:
        found = [average for tensor in given if (average := self.average(tensor)) is not None]
        if not found:
            return
        before = {memory._cdata for tensor in given if (memory := storage(tensor)) is not None}
        for tensor in made:
            memory = storage(tensor)
            if memory is None or (memory._cdata in before and not writes(call.func)):
                continue  # a view
            why = found[0].why or f"averages that went through {call.short.strip('_')}"
            self._averages.set(tensor, Average(None, why))

    def forget_freed(self) -> None:
        """Drops what belongs to memory that is gone."""
        self._inside.forget_freed()
        self._averages.forget_freed()


def _adds_zeros(call: Call) -> bool:
    packet = call.func._overloadpacket
    return packet is _ATEN.im2col or (packet is _ATEN.constant_pad_nd and not call.argument(2, "value", 0))


def totals(averages: Tensor, of: int) -> Tensor:
    """The sums that averages were made of, without the rounding of the division."""
    sums = averages * of
    whole = sums.round()
    near = (sums - whole).abs() <= 4 * torch.finfo(sums.dtype).eps * sums.abs()
    return torch.where(near, whole, sums)
