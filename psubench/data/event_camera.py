"""Fashion-MNIST before a simulated event camera: real images, simulated motion and pixels.

The image, enlarged to 40x40 in the middle of 48x48 pixels, moves once around a circle of 4 pixels: a closed
smooth path, as the images of CIFAR10-DVS moved before a real camera (Li et al. 2017,
doi:10.3389/fnins.2017.00309), though not theirs. A pixel gives an ON event for every `THRESHOLD` by which
the logarithm of its brightness rises above the level at its last event, and an OFF event for every one by
which it falls below (Lichtsteiner et al. 2008, doi:10.1109/JSSC.2007.914337). No noise, no refractory time.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from psubench.data import cache
from psubench.data.fashion_mnist import ROWS, Images, images

SIZE = 48
ENLARGED = 40
RADIUS = 4.0
THRESHOLD = 0.3
"""Of the natural logarithm of the brightness plus `DARK`."""
DARK = 0.1
"""Brightness, of 1, that a black pixel still sees: without it a logarithm would have no lower end."""
POSITIONS = 40
"""Least number of positions on the path, and their number per frame: about half a pixel from each to the
next."""
_GRAIN = 256
"""Weights of the interpolation are multiples of 1 / _GRAIN. A sum is then an integer up to 255 _GRAIN², which
float32 holds exactly: the same events on every machine, in whatever order it adds."""
_SHIFT = 12
"""Bits of such a sum that make no difference: the logarithm is taken of 4,081 levels."""


class Camera(Images):
    """Images as frames of events."""

    def frames(self, split: str, chosen: NDArray[np.int64], T: int) -> NDArray[np.float32]:
        """Counts of OFF and ON events, [T, B, 2, 48, 48], in the usual order."""
        return events(images(self.folder, split)[0][chosen], T)

    def active(self) -> float | None:
        """None: the sum of squared counts depends on T."""
        return None


def open_samples(name: str, full: bool) -> Camera:  # noqa: ARG001
    """The images that are shipped, or all of them from the user's copy."""
    return Camera(cache.require("fashion-mnist") if full else None)


def note(name: str, T: int, full: bool) -> str:  # noqa: ARG001
    """A note that the camera is simulated."""
    return f"real images, simulated event camera, {T} frames"


def events(pictures: NDArray[np.uint8], T: int) -> NDArray[np.float32]:
    """Counts [T, B, 2, 48, 48] of the OFF and ON events of images [B, 28, 28] with values 0..255."""
    per_frame = -(-POSITIONS // T)
    logarithm = _logarithm()
    x = np.zeros((T, len(pictures), 2, SIZE, SIZE), np.float32)
    start = level = None
    for number, (down, right) in enumerate(_path(T * per_frame)):
        moved = down @ pictures.astype(np.float32) @ right.T
        seen = logarithm[moved.astype(np.int32) >> _SHIFT]
        if start is None or level is None:
            start, level = seen, np.zeros_like(seen)
            continue
        distance = (seen - start) / np.float32(THRESHOLD)
        # the level follows to the last threshold that was crossed, from whichever side
        new = np.maximum(np.minimum(level, np.ceil(distance)), np.floor(distance))
        frame = x[(number - 1) // per_frame]
        frame[:, 0] += np.maximum(level - new, 0)
        frame[:, 1] += np.maximum(new - level, 0)
        level = new
    return x


@lru_cache(maxsize=8)
def _path(positions: int) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """The interpolation of rows and columns, [48, 28] each, at the start and after each of the positions."""
    angle = 2 * np.pi * np.arange(positions + 1) / positions
    return [(_place(RADIUS * np.sin(a)), _place(RADIUS * np.cos(a))) for a in angle]


def _place(shift: float) -> NDArray[np.float32]:
    """Weights [48, 28], in units of 1 / _GRAIN, that enlarge a line of pixels and shift it; linear."""
    scale = ENLARGED / ROWS
    # where the centre of each of the 48 pixels lies among the centres of the 28, black outside
    position = (np.arange(SIZE) + 0.5 - (SIZE - ENLARGED) / 2 - shift) / scale - 0.5
    weight = 1 - np.abs(position[:, None] - np.arange(ROWS))
    grains: NDArray[np.float32] = np.rint(weight.clip(min=0) * _GRAIN).astype(np.float32)
    return grains


@lru_cache(maxsize=1)
def _logarithm() -> NDArray[np.float32]:
    """Of the brightness plus `DARK`, for each of the levels."""
    highest = 255 * _GRAIN**2 >> _SHIFT
    return np.log(np.arange(highest + 1) / highest + DARK).astype(np.float32)
