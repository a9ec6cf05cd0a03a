"""The input of a case: the current of one layer, or a batch of samples for a network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from psubench import data, models


class Inputs(NamedTuple):
    """The input of a block, the same for all of its cases.

    Attributes:
        x: float32 [T, B, *step] on the CPU.
        note: what was done to the data; None if nothing.
        classes: of the data; None for noise and for one layer.
    """

    x: Tensor
    note: str | None
    classes: int | None


def make(case: Mapping[str, Any], seed: int) -> Inputs:
    """The input of a case as `Case.canonical` gives it; the same arguments give the same bits.

    Raises:
        PsubenchError: the data cannot be read, or do not fit the network.
    """
    T, batch = case["T"], case["batch"]
    if case["model"] == "neuron":
        x, note = data.currents(case["data"], T=T, batch=batch, size=case["size"], seed=seed)
        return Inputs(x, note, None)
    ref = data.parse(case["data"])
    noise = not ref.is_plugin and data.TABLE[ref.kind].step is None
    step, classes = (None, None) if noise else data.shape(ref, T, batch=batch)
    step = models.shape_for(models.parse(case["model"]), step, ref.name)
    if noise:
        x, note = data.currents(ref.name, T=T, batch=batch, size=math.prod(step), seed=seed)
        return Inputs(x.view(T, batch, *step), note, None)
    x, _ = next(iter(data.batches(ref, T=T, batch=batch, seed=seed, split="train")))
    notes = [data.note(ref, T)]
    given = x.shape[1]
    if given < batch:
        x = x[:, torch.arange(batch) % given]
        notes.append(f"{given} samples repeated to a batch of {batch}")
    return Inputs(x, "; ".join(filter(None, notes)) or None, classes)


def layer_bytes(case: Mapping[str, Any], x: Tensor) -> int | None:
    """Size of the input of one layer; None for a network, whose inner tensors may be larger."""
    return x.nbytes if case["model"] == "neuron" else None
