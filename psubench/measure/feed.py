"""The inputs that a block uses in turn, and the detection of writes to them."""

from __future__ import annotations

import torch
from torch import Tensor

from psubench.errors import WrongError


class Feed:
    """The two inputs of a block, and private copies of them."""

    def __init__(self, x: Tensor, *, strict: bool = False) -> None:
        """The second input is the first with its samples, or its last dimension, moved by one.

        Args:
            strict: whether both are compared after every sample, so that a wrong result can be attributed.
        """
        self.strict = strict
        self.given = (x, x.roll(1, 1 if x.shape[1] > 1 else -1).contiguous())
        self._kept = tuple(tensor.clone() for tensor in self.given)
        self._versions = self._now()
        self._renewed = 0

    def _now(self) -> list[int]:
        return [tensor._version for tensor in self.given]

    def touched(self) -> bool:
        """Whether torch has written to an input since it was last found intact."""
        return self._now() != self._versions

    def put_back(self) -> bool:
        """Compares the inputs with their copies; returns whether one had to be restored."""
        wrong = [
            (t, kept) for t, kept in zip(self.given, self._kept, strict=True) if not torch.equal(t, kept)
        ]
        for tensor, kept in wrong:
            tensor.copy_(kept)
        self._versions = self._now()
        return bool(wrong)

    def check(self) -> None:
        """Raises WrongError if an input had to be restored."""
        if self.put_back():
            raise WrongError("it writes to its input while it is measured")

    def swap(self) -> None:
        """Swaps the contents of the inputs; `put_back` undoes it."""
        for tensor, other in zip(self.given, reversed(self._kept), strict=True):
            tensor.copy_(other)

    def renew(self) -> None:
        """Fills the first input with new content, made from its own values."""
        self._renewed += 1
        self.given[0].copy_(self._kept[0].roll(self._renewed, -1).flip(-1))
