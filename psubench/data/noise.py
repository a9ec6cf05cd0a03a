"""Synthetic currents [T, B, size]. Numpy draws them in order: a longer T begins with the shorter one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def normal(*, T: int, batch: int, size: int, seed: int, mu: float) -> Tensor:
    """Independent draws from N(mu, 1), float32."""
    import torch

    draws = np.random.default_rng(seed).standard_normal((T, batch, size), dtype=np.float32)
    return torch.from_numpy(draws).add_(mu)


def spikes(*, T: int, batch: int, size: int, seed: int, rate: float) -> Tensor:
    """1 with probability `rate`, else 0, float32."""
    import torch

    draws = np.random.default_rng(seed).random((T, batch, size), dtype=np.float32)
    return torch.from_numpy((draws < rate).astype(np.float32))
