"""Images as sequences: one line of pixels per time step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resample(images: NDArray[np.uint8], T: int) -> NDArray[np.float32]:
    """Images [B, L, *] with values 0..255 as T steps [T, B, *] of values 0..1.

    A step is the mean of its share of the L lines: step t covers the lines from t L / T to (t + 1) L / T,
    and a line that it covers in part is weighted by that part. T = L gives the lines themselves; every T
    covers the whole image, and the mean over the steps is that of the image. The arithmetic is in
    integers until the last division, so the bits are the same on every machine.
    """
    lines = images.shape[1]
    if lines == T:  # every weight is T or 0: the same bits, without the product
        return (images.swapaxes(0, 1) / 255).astype(np.float32, order="C")
    step, line = np.arange(T)[:, None], np.arange(lines)
    # in units of 1 / (L T) of the image, in which both borders of all shares are integers
    share = np.minimum((step + 1) * lines, (line + 1) * T) - np.maximum(step * lines, line * T)
    weights = share.clip(min=0).astype(np.float64)  # [T, L], sums over L are L
    total = np.tensordot(weights, images.astype(np.float64), axes=(1, 1))  # exact: below 255 L (T + L)
    steps: NDArray[np.float32] = (total / (255 * lines)).astype(np.float32)
    return steps
