"""Data that torch knows: a `Dataset` or a `DataLoader` as batches x [T, B, *] with their labels [B]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from torch import Tensor

CONTRACT = (
    "a Dataset gives samples (x [T, *], label), a DataLoader batches (x [B, T, *] or [T, B, *], labels [B])"
)


def is_torch_data(made: object) -> bool:
    """Whether it is a data set or a loader of torch."""
    return isinstance(made, Dataset | DataLoader)


def batches(
    made: Dataset[Any] | DataLoader[Any], T: int, batch: int, seed: int, split: str, what: str
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch in batches of this size, the last of which may be smaller.

    The samples of a data set come in an order drawn from the seed where the split is "train", and else as
    they stand. A loader gives its batches as it does, with its own sampler, and they are cut or joined.

    Args:
        what: name of the plug-in, for errors.

    Raises:
        PsubenchError: samples are not pairs, or have another number of steps than T.
    """
    if isinstance(made, DataLoader):
        given = (_time_first(one, T, what, made) for one in made)
    else:
        shuffled = split == "train" and not isinstance(made, IterableDataset)
        draws = torch.Generator().manual_seed(seed)
        loader: DataLoader[Any] = DataLoader(made, batch_size=batch, shuffle=shuffled, generator=draws)
        given = (_time_first(one, T, what, loader) for one in loader)
    return _regrouped(given, batch)


def _time_first(given: Any, T: int, what: str, loader: DataLoader[Any]) -> tuple[Tensor, Tensor]:
    """A batch with its steps first, as its labels tell which dimension is the batch."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise PsubenchError(f"{what} gives a {type(given).__name__} that is not a pair", CONTRACT)
    x, labels = (torch.as_tensor(part) for part in given)
    if x.dim() < 2 or labels.dim() != 1:
        raise PsubenchError(
            f"{what} gives x of shape {list(x.shape)} and labels of shape {list(labels.shape)}", CONTRACT
        )
    B = len(labels)
    batch_first = tuple(x.shape[:2]) == (B, T)
    if B == T and batch_first:
        batch_first = _collates_batch_first(loader, T)
    if batch_first:
        return x.transpose(0, 1).contiguous(), labels
    if tuple(x.shape[:2]) == (T, B):
        return x, labels
    steps = x.shape[1] if x.shape[0] == B else x.shape[0]
    raise PsubenchError(
        f"{what} gives x of shape {list(x.shape)} for {B} labels and T={T}",
        f"{CONTRACT}; give --T {steps} if samples have {steps} steps",
    )


def _collates_batch_first(loader: DataLoader[Any], T: int) -> bool:
    """Whether [B, T, *] or [T, B, *] is meant where B = T: torch's own way puts the batch first."""
    from torch.utils.data import default_collate

    collate = loader.collate_fn
    if collate is default_collate:
        return True
    try:  # of one sample it is to be seen
        x = collate([loader.dataset[0]])[0]
    except Exception:
        return True
    return not (x.shape[0] == T and x.shape[1] == 1)


def _regrouped(given: Iterator[tuple[Tensor, Tensor]], batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The same samples in batches of this size."""
    waiting: list[tuple[Tensor, Tensor]] = []
    held = 0
    for x, labels in given:
        waiting.append((x, labels))
        held += len(labels)
        while held >= batch:
            whole, rest = _cut(waiting, batch)
            yield whole
            waiting = [rest] if len(rest[1]) else []
            held -= batch
    if held:
        yield _cut(waiting, held)[0]


def _cut(
    waiting: list[tuple[Tensor, Tensor]], batch: int
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The first samples of several batches, and the others."""
    x = torch.cat([one for one, _ in waiting], dim=1) if len(waiting) > 1 else waiting[0][0]
    labels = torch.cat([one for _, one in waiting]) if len(waiting) > 1 else waiting[0][1]
    return (x[:, :batch], labels[:batch]), (x[:, batch:], labels[batch:])
