"""Exact counts of the spikes of a layer or of a network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from torch import Tensor


def activity(layers: Iterable[Tensor]) -> dict[str, Any]:
    """Spikes and neuron-steps of all layers together, and a hash of where the spikes are.

    Args:
        layers: outputs [T, B, *], in the order of the network.
    """
    spikes, steps, digest = 0, 0, hashlib.sha256()
    for output in layers:
        fired = (output != 0).cpu().numpy()
        spikes += int(fired.sum())
        steps += int(fired.size)
        digest.update(np.packbits(fired).tobytes())
    return {"spikes": spikes, "neuron_steps": steps, "spike_hash": digest.hexdigest()[:16]}
