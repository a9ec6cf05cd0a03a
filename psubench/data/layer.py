"""The input current of one layer of neurons, from any data set. Importing this needs no torch."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from psubench import plugins
from psubench.data.names import TABLE, DataRef, parse
from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from torch import Tensor

GAIN = 1.5
"""Standard deviation of the projected current. Chosen so that a LIF neuron (tau 2, Vth 1, soft reset)
neither falls silent nor fires all the time: on spoken digits it fires at 0.17 per step at T = 4 and at
0.10 from T = 32 on. A gain of 1 halves that, 2 gives half as much again."""
_STREAM = 1  # sets the draws of the projection apart from those of the order of the recordings
_CONTRACT = "a data plug-in is called with T=, batch=, seed=, split= and yields (x [T,B,*], labels [B])"


def currents(data: str, T: int, batch: int, size: int, seed: int) -> tuple[Tensor, str | None]:
    """The input current [T, batch, size] of a layer, float32 on the CPU, and what was done to the data.

    Noise comes in that shape. Recordings (the first batch of the training split) and plug-ins go through
    a fixed projection drawn from the seed. With built-in data the same arguments give the same bits,
    whatever the number of threads, and a larger T begins with the smaller; with spoken digits a larger
    batch or size does so too.

    Raises:
        PsubenchError: there is no such data set, or a plug-in gives something else than it should.
    """
    ref = parse(data)
    if ref.is_plugin:
        x, active = _from_plugin(ref, T, batch, seed), None
        notes = []
    else:
        spec = TABLE[ref.kind]
        module = import_module(spec.module)
        if not spec.real:
            parameters = {**spec.parameters, **dict(ref.parameters)}
            return getattr(module, spec.name)(T=T, batch=batch, size=size, seed=seed, **parameters), None
        x, _ = next(module.batches(T=T, batch=batch, seed=seed, split="train"))
        active, notes = module.active(), [module.note(T)]
    given = x.shape[1]
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


def _from_plugin(ref: DataRef, T: int, batch: int, seed: int) -> Tensor:
    """The first x of a plug-in, checked."""
    what = f'data plug-in "{ref.name}"'
    make = plugins.load(ref.kind)
    arguments = {"T": T, "batch": batch, "seed": seed, "split": "train", **dict(ref.parameters)}
    if not callable(make):
        raise PsubenchError(f"{what} is a {type(make).__name__}", _CONTRACT)
    try:
        inspect.signature(make).bind(**arguments)
    except TypeError as error:
        raise PsubenchError(f"{what} cannot be called: {plugins.one_line(error)}", _CONTRACT) from None
    except ValueError:  # some builtins have no signature: the call itself will tell
        pass
    try:
        batches = make(**arguments)
        first = next(iter(batches), None) if isinstance(batches, Iterable) else batches
    except Exception as error:
        raise PsubenchError(
            f"{what} with T={T}, batch={batch} raises {plugins.one_line(error)}", "mend it or its parameters"
        ) from error
    if first is None:
        raise PsubenchError(f'{what} yields nothing for T={T}, batch={batch}, split="train"', _CONTRACT)
    return _checked(first, T, batch, what)


def _checked(first: Any, T: int, batch: int, what: str) -> Tensor:
    import torch

    pair = isinstance(first, tuple | list) and len(first) == 2
    if not pair or not all(isinstance(part, torch.Tensor) for part in first):
        raise PsubenchError(f"{what} yields a {type(first).__name__} that is no pair of tensors", _CONTRACT)
    x: Tensor = first[0].detach().cpu()
    labels: Tensor = first[1]
    shape = list(x.shape)
    if x.dim() < 2 or shape[0] != T or not 1 <= shape[1] <= batch or x.numel() == 0:
        raise PsubenchError(f"{what} yields x of shape {shape} for T={T}, batch={batch}", _CONTRACT)
    if len(labels) != shape[1]:
        raise PsubenchError(f"{what} yields {len(labels)} labels for {shape[1]} samples", _CONTRACT)
    if not x.isfinite().all():
        raise PsubenchError(f"{what} yields x with NaN or infinity", "mend it")
    if not x.any():
        raise PsubenchError(
            f"{what} yields x with zeros only", "a neuron without input does nothing; mend it"
        )
    return x
