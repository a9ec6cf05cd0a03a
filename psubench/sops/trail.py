"""Inputs of the counted operations of a forward pass, with their results replaced by noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from psubench.sops.calls import Call, tensors
from psubench.sops.weight_tracking import writes

_NOISE = (-1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
_TOLERANCE = 1e-3
"""Tolerance for rounding that differs from run to run; a weight with an effect changes more than that."""


class Print(NamedTuple):
    """A fingerprint of a tensor: its shape and some sums over its elements."""

    shape: tuple[int, ...]
    sums: tuple[float, ...]

    def like(self, other: Print) -> bool:
        """Whether they are fingerprints of the same tensor, up to rounding."""
        scale = max(1.0, abs(self.sums[0]), abs(other.sums[0]))
        near = (
            math.isclose(a, b, rel_tol=0, abs_tol=_TOLERANCE * scale)
            for a, b in zip(self.sums, other.sums, strict=True)
        )
        return self.shape == other.shape and all(near)


class Trail:
    """Fingerprints of the activations that reach counted operations, neurons and the network's output.

    The result of a counted operation is replaced by noise that depends on its place alone, so that a weight
    affects later values only in ways that were not counted.
    """

    def __init__(self) -> None:
        self.prints: list[tuple[str, list[Print]]] = []

    def met(self, where: str, given: Sequence[Tensor]) -> None:
        """Some activations have reached a place."""
        self.prints.append((where, [_print(tensor) for tensor in given]))

    def before(self, func: Any, given: Any) -> dict[int, Print] | None:
        """Fingerprints of the tensors that an operation is about to overwrite."""
        if not writes(func):
            return None
        return {id(tensor): _print(tensor) for tensor in tensors(given)}

    def cut(self, call: Call, compared: Sequence[Tensor], before: dict[int, Print] | None) -> None:
        """A counted operation has run on some activations."""
        prints = [(before or {}).get(id(tensor)) or _print(tensor) for tensor in compared]
        self.prints.append((call.name, prints))
        output = call.outputs()[0]
        draws = torch.Generator().manual_seed(len(self.prints))
        noise = torch.tensor(_NOISE)[torch.randint(len(_NOISE), output.shape, generator=draws)]
        output.copy_(noise)

    def same(self, other: Trail) -> bool:
        """Whether both forward passes have the same fingerprints."""
        if [where for where, _ in self.prints] != [where for where, _ in other.prints]:
            return False
        return all(
            len(one) == len(two) and all(a.like(b) for a, b in zip(one, two, strict=True))
            for (_, one), (_, two) in zip(self.prints, other.prints, strict=True)
        )


def _print(tensor: Tensor) -> Print:
    with torch.no_grad():
        values = tensor.detach()
        if values.is_quantized:
            values = values.dequantize()
        if values.layout is not torch.strided:
            values = values.to_dense()
        if values.is_complex():
            values = torch.view_as_real(values.resolve_conj())
        flat = values.double().flatten().cpu()
        finite = torch.nan_to_num(flat, nan=1e6, posinf=2e6, neginf=-2e6)
        ramp = torch.cos(torch.arange(len(flat), dtype=torch.float64))
        return Print(
            tuple(tensor.shape),
            (float(finite.abs().sum()), float(finite.sum()), float(finite @ ramp)),
        )
