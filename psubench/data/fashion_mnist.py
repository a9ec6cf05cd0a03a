"""Fashion-MNIST, one row of the image per step: 6,000 images shipped, all 70,000 from the user's copy."""

from __future__ import annotations

import gzip
import math
import zlib
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psubench import plugins
from psubench.data import cache
from psubench.data.resample import resample

ROWS = 28
LARGEST = 2**28
"""Values of an idx file; all 60,000 images of 28x28 are 2**25.5."""

Split = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images [N, 28, 28] and their classes [N]."""


class Images:
    """Images and their classes; what is made of an image, a subclass says.

    Args:
        folder: of the user's copy of the full set; None for the images that are shipped.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def labels(self, split: str) -> NDArray[np.int64]:
        """The classes of a split, [N]."""
        return images(self.folder, split)[1]


class Rows(Images):
    """Images as sequences of rows."""

    def frames(self, split: str, chosen: NDArray[np.int64], T: int) -> NDArray[np.float32]:
        """Brightness from 0 to 1, [T, B, 28]; the rows are resampled to T."""
        return resample(images(self.folder, split)[0][chosen], T)

    def active(self) -> float:
        """Expected sum of the squared brightness of a row, over the training images that are shipped."""
        return float(np.square(images(None, "train")[0] / 255).sum(axis=2).mean())


def open_samples(name: str, full: bool) -> Rows:
    """The images that are shipped, or all of them from the user's copy."""
    return Rows(cache.require(name) if full else None)


def note(name: str, T: int, full: bool) -> str | None:  # noqa: ARG001
    """What is done to the images to get T steps; None at T = 28."""
    return None if T == ROWS else f"{ROWS} rows resampled to {T} steps"


@lru_cache(maxsize=4)
def images(folder: Path | None, split: str) -> Split:
    """One split, full or shipped; the arrays cannot be written to."""
    found = _shipped(split) if folder is None else _full(folder, split)
    for array in found:
        array.flags.writeable = False
    return found


def _shipped(split: str) -> Split:
    with (
        resources.files("psubench.data").joinpath("fashion_mnist.npz").open("rb") as file,
        np.load(file) as arrays,
    ):
        chosen = arrays["test"] == (split == "test")
        return arrays["images"][chosen], arrays["labels"][chosen].astype(np.int64)


def _full(folder: Path, split: str) -> Split:
    part = "train" if split == "train" else "t10k"
    pictures = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz").astype(np.int64)
    if pictures.shape != (len(labels), ROWS, ROWS):
        sizes = f"{list(pictures.shape)} for {len(labels)} labels"
        raise cache.broken(folder / f"{part}-images-idx3-ubyte.gz", sizes, "images of 28x28, one per label")
    return pictures, labels


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of a gzip idx file: 0, 0, type 8 (bytes), rank, the sizes as big-endian uint32, the bytes.

    Nothing is unpacked beyond the sizes that it declares, and those are at most `LARGEST`.
    """
    expected = "an idx file of bytes, packed by gzip"
    try:
        with gzip.open(path) as file:
            head = file.read(4)
            if head[:3] != b"\0\0\x08" or len(head) < 4:
                raise cache.broken(path, "does not begin as an idx file" if head else "is empty", expected)
            line = file.read(4 * head[3])
            if len(line) < 4 * head[3]:
                raise cache.broken(path, f"ends after {4 + len(line)} bytes", expected)
            sizes = np.frombuffer(line, ">u4").tolist()
            declared = math.prod(sizes)  # of Python's integers, which do not overflow
            if not 1 <= len(sizes) <= 3 or declared > LARGEST:
                raise cache.broken(
                    path, f"has {len(sizes)} sizes {sizes[:4]}", f"{expected}, of 1 to 3 sizes"
                )
            content = file.read(declared + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise cache.broken(path, plugins.one_line(error), expected) from None
    if len(content) != declared:
        held = f"more than {declared}" if len(content) > declared else len(content)
        raise cache.broken(path, f"contains {held} values for sizes {sizes}", expected)
    return np.frombuffer(content, np.uint8).reshape(sizes).copy()
