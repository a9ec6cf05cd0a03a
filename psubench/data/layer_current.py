"""The input current of one layer of neurons, from any data set. Importing this needs no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from psubench.data.batches import batches, note, open_samples
from psubench.data.names import parse
from psubench.data.plugin import from_plugin
from psubench.data.table import TABLE
from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from torch import Tensor

GAIN = 1.5
"""Standard deviation of the projected current. Chosen so that a LIF neuron (tau 2, Vth 1, soft reset)
neither falls silent nor fires all the time: on spoken digits it fires at 0.17 per step at T = 4 and at
0.10 from T = 32 on. A gain of 1 halves that, 2 gives half as much again."""
_STREAM = 1  # separates the draws of the projection from those of the order of the recordings


def currents(data: str, T: int, batch: int, size: int, seed: int) -> tuple[Tensor, str | None]:
    """The input current [T, batch, size] of a layer, float32 on the CPU, and what was done to the data.

    Noise comes in that shape. The first batch of the training split of any other data set goes through a
    fixed projection drawn from the seed. With built-in data the same arguments give the same bits,
    whatever the number of threads; with noise and spoken digits a larger T begins with the smaller, and
    with spoken digits a larger batch or size does so too.

    Raises:
        PsubenchError: there is no such data set, its files are missing, a plug-in breaks its
            contract, or the whole batch is zero.
    """
    ref = parse(data)
    spec = None if ref.is_plugin else TABLE[ref.kind]
    if spec is not None and spec.step is None:
        noise = getattr(import_module(spec.module), spec.name)
        parameters = {**spec.parameters, **dict(ref.parameters)}
        return noise(T=T, batch=batch, size=size, seed=seed, **parameters), None
    if spec is None:
        (x, _), active = next(from_plugin(ref, T, batch, seed, "train")), None
    else:
        x, _ = next(batches(ref, T=T, batch=batch, seed=seed, split="train"))
        active = open_samples(ref).active()
    if not x.any():
        what = f'data plug-in "{ref.name}"' if spec is None else f'data set "{ref.name}"'
        raise PsubenchError(
            f"{what} yields x with zeros only",
            "a neuron without input does nothing; fix the data or choose another T",
        )
    notes, given = [note(ref, T)], x.shape[1]
    if given < batch:
        x = x[:, [i % given for i in range(batch)]]
        notes.append(f"{given} recordings repeated to a batch of {batch}")
    return project(x, size, seed, active), "; ".join(filter(None, notes)) or None


def project(x: Tensor, size: int, seed: int, active: float | None = None) -> Tensor:
    """The flattened features of x [T, B, *] times a matrix [features, size]; float32 [T, B, size].

    The matrix has entries from N(0, GAIN² / active), so that the current has standard deviation GAIN.

    Args:
        active: expected sum of the squared features at one step; for spikes, how many are active. None
            takes the average over x.
    """
    import numpy as np
    import torch

    # A float64 sum of float32 numbers times zeros and ones is exact in any order: no dependence on the
    # shapes and threads by which a matrix product chooses its order.
    features = x.flatten(2) if x.dim() > 2 else x.unsqueeze(2)
    if active is None:
        active = float(features.double().square().sum(2).mean())
    draws = np.random.default_rng([seed, _STREAM]).standard_normal((size, features.shape[2]), np.float32)
    matrix = torch.from_numpy(draws * np.float32(GAIN / active**0.5)).double().T
    # step by step: float64 for all steps at once would double the memory
    return torch.stack([(now.double() @ matrix).float() for now in features])
