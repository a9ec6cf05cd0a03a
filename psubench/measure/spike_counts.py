"""Exact counts of the spikes of a layer or of a network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor


def activity(layers: Iterable[Tensor]) -> dict[str, Any]:
    """Spikes and neuron-steps of all layers together, and a hash of where the spikes are.

    A whole number of size c stands for c spikes, any other output but 0 for one.

    Args:
        layers: outputs [T, B, *], in the order of the network.
    """
    spikes, steps, digest = 0, 0, hashlib.sha256()
    for output in layers:
        fired = (output != 0).cpu().numpy()
        spikes += _events(output)
        steps += int(fired.size)
        digest.update(np.packbits(fired).tobytes())
        if not ((output == 0) | (output == 1)).all():
            digest.update(output.float().cpu().numpy().tobytes())
    return {"spikes": spikes, "neuron_steps": steps, "spike_hash": digest.hexdigest()[:16]}


def _events(output: Tensor) -> int:
    size = output.abs()
    whole = size == size.round()
    return int(size[whole].sum(dtype=torch.float64)) + int((~whole).sum())
