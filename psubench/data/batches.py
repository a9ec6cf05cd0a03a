"""Labelled batches of any data set, its shape, its size, and what was done to it. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from psubench.data.names import DataRef
from psubench.data.plugin import class_numbers, declared_classes, from_plugin
from psubench.data.spec import DataSpec
from psubench.data.table import TABLE
from psubench.errors import PsubenchError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


class Samples(Protocol):
    """A data set that is open for reading, as `open_samples` of its module returns it."""

    def labels(self, split: str) -> NDArray[np.int64]:
        """The classes of a split in the order of its files, [N]."""

    def frames(self, split: str, chosen: NDArray[np.int64], T: int) -> NDArray[np.float32]:
        """The chosen samples as T steps, [T, B, *step], contiguous."""

    def active(self) -> float | None:
        """Expected sum of the squared features at one step; None if all files would have to be read."""


def open_samples(ref: DataRef) -> Samples:
    """A built-in data set, opened. It may read the names of files, but not all of their content.

    Raises:
        PsubenchError: files are missing or broken; noise has no samples.
    """
    spec = _with_samples(ref)
    module = import_module(spec.module)
    samples: Samples = module.open_samples(spec.name, **{**spec.parameters, **dict(ref.parameters)})
    return samples


def batches(ref: DataRef, *, T: int, batch: int, seed: int, split: str) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch: x, float32 [T, B, *step], and the classes, int64 [B], on the CPU; the last B may be smaller.

    "train" comes in an order drawn from the seed, every other split in the order of its files. A plug-in
    gets the seed and orders its samples itself.

    Raises:
        PsubenchError: no such split, files are missing or broken, or a plug-in breaks its contract.
    """
    if ref.is_plugin:
        classes = declared_classes(ref)
        given = from_plugin(ref, T, batch, seed, split)
        return ((x.float(), class_numbers(ref, labels, classes)) for x, labels in given)
    samples = open_samples(ref)
    return _read(samples, _labels(ref, samples, split), T, batch, seed, split)


def shape(ref: DataRef, T: int, *, batch: int = 1) -> tuple[tuple[int, ...], int]:
    """Shape of one step of one sample, and the number of classes.

    A plug-in gives the number of classes by its attribute `classes`; without it, its training split is read
    once, and the largest label determines the number.

    Args:
        batch: the batch size that a plug-in is called with, the same as when it is read later.
    """
    if ref.is_plugin:
        classes, largest = declared_classes(ref), 0
        step: tuple[int, ...] = ()
        for x, labels in from_plugin(ref, T, batch, 0, "train"):
            step, largest = tuple(x.shape[2:]), max(largest, int(class_numbers(ref, labels, classes).max()))
            if classes is not None:
                break
        return step, classes or largest + 1
    spec = _with_samples(ref)
    assert spec.step is not None
    assert spec.classes is not None
    return spec.step, spec.classes


def count(ref: DataRef, split: str, *, T: int = 1, batch: int = 1) -> int:
    """How many samples a split has. Of a plug-in, one epoch in batches of this T and size is read."""
    if ref.is_plugin:
        return sum(len(labels) for _, labels in from_plugin(ref, T, batch, 0, split))
    return len(_labels(ref, open_samples(ref), split))


def note(ref: DataRef, T: int) -> str | None:
    """What is done to the recordings to get T steps, or that they are synthetic; None if nothing is.

    It belongs in every record, table and figure.
    """
    if ref.is_plugin or TABLE[ref.kind].step is None:
        return None
    spec = TABLE[ref.kind]
    module = import_module(spec.module)
    found: str | None = module.note(spec.name, T, **{**spec.parameters, **dict(ref.parameters)})
    return found


def _with_samples(ref: DataRef) -> DataSpec:
    spec = TABLE[ref.kind]
    if spec.step is None:
        sets = ", ".join(name for name, other in TABLE.items() if other.step is not None)
        raise PsubenchError(
            f"{ref.name} is noise for one layer, without samples and classes", f"choose one of {sets}"
        )
    return spec


def _labels(ref: DataRef, samples: Samples, split: str) -> NDArray[np.int64]:
    splits = TABLE[ref.kind].splits
    if split not in splits:
        raise PsubenchError(f'{ref.name} has no split "{split}"', nearest(split, splits))
    labels = samples.labels(split)
    if len(labels) == 0:
        raise PsubenchError(f'{ref.name} has no samples in its split "{split}"', "its files are incomplete")
    return labels


def _read(
    samples: Samples, labels: NDArray[np.int64], T: int, batch: int, seed: int, split: str
) -> Iterator[tuple[Tensor, Tensor]]:
    import numpy as np
    import torch

    order = np.arange(len(labels))
    if split == "train":
        order = np.random.default_rng(seed).permutation(order)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        yield torch.from_numpy(samples.frames(split, chosen, T)), torch.from_numpy(labels[chosen])
