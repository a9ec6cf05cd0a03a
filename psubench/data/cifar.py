"""CIFAR-10 and CIFAR-100 from their python pickles: the image at every step, or one column per step."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psubench import plugins
from psubench.data import arrays, cache
from psubench.data.resample import resample
from psubench.errors import one_line

PIXELS = 32

_FILES = {
    "cifar10": {
        "train": [f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)],
        "test": ["cifar-10-batches-py/test_batch"],
    },
    "cifar100": {"train": ["cifar-100-python/train"], "test": ["cifar-100-python/test"]},
}
_LABELS = {"cifar10": ("labels", 10), "cifar100": ("fine_labels", 100)}
MOMENTS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}
"""Mean and standard deviation of red, green and blue, of 1, over the training images, as usual."""


class Pictures:
    """Normalised images as samples.

    Args:
        name: "cifar10" or "cifar100".
        folder: that holds the folder of its pickles.
        columns: whether a step is one column of the image instead of all of it.
    """

    def __init__(self, name: str, folder: Path, columns: bool) -> None:
        self.name = name
        self.folder = folder
        self.columns = columns

    def labels(self, split: str) -> NDArray[np.int64]:
        """The classes of a split, [N]."""
        return load(self.name, self.folder, split)[1]

    def frames(self, split: str, chosen: NDArray[np.int64], T: int) -> NDArray[np.float32]:
        """[T, B, 3, 32, 32], the same at every step; or columns from left to right, [T, B, 3, 32]."""
        pictures = load(self.name, self.folder, split)[0][chosen]
        mean, deviation = (np.array(moment, np.float32) for moment in MOMENTS[self.name])
        if self.columns:
            x = resample(pictures.transpose(0, 3, 1, 2), T)  # [B, column, 3, 32] -> [T, B, 3, 32]
            return (x - mean[:, None]) / deviation[:, None]
        once = (pictures.astype(np.float32) / 255 - mean[:, None, None]) / deviation[:, None, None]
        return np.repeat(once[None], T, axis=0)

    def active(self) -> float | None:
        """None: all files would have to be read."""
        return None


def open_samples(name: str) -> Pictures:
    """CIFAR from the cache, as images or as columns ("seq...")."""
    return Pictures(name.removeprefix("seq"), cache.require(name), name.startswith("seq"))


def note(name: str, T: int) -> str:
    """How an image becomes T steps."""
    if not name.startswith("seq"):
        return f"normalised, the image repeated {T} times"
    return "normalised" if T == PIXELS else f"normalised, {PIXELS} columns resampled to {T} steps"


@lru_cache(maxsize=2)
def load(name: str, folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images [N, 3, 32, 32] of one split and their classes [N]; the arrays cannot be written to."""
    read = [read_pickle(folder / file, *_LABELS[name]) for file in _FILES[name][split]]
    pictures, labels = (np.concatenate(parts) for parts in zip(*read, strict=True))
    pictures.flags.writeable = labels.flags.writeable = False
    return pictures, labels


def read_pickle(path: Path, labels_key: str, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images [N, 3, 32, 32] and classes [N] of one pickle; nothing in it is executed.

    Raises:
        PsubenchError: it is not a pickle, asks for more than arrays and lists, or holds something else.
    """
    expected = f'the published python pickle with "data" [N, 3072] of bytes and "{labels_key}"'
    try:
        content = arrays.load(path.read_bytes())
    except Exception as error:  # a broken pickle may raise anything
        raise cache.broken(path, one_line(f"{plugins.one_line(error):.300}"), expected) from None
    held = _texts(content) if isinstance(content, dict) else {}
    if "data" not in held or labels_key not in held:
        what = list(held) if isinstance(content, dict) else type(content).__name__
        raise cache.broken(path, one_line(f"holds {what!s:.300}"), expected)
    data, labels = held["data"], arrays.whole_numbers(held[labels_key])
    if labels is None:
        raise cache.broken(path, f'has no list of integers under "{labels_key}"', expected)
    pictures = data.values if isinstance(data, arrays.Array) else None
    if pictures is None or pictures.dtype != np.uint8 or pictures.shape != (len(labels), 3072):
        form = f"{list(pictures.shape)} {pictures.dtype}" if pictures is not None else type(data).__name__
        raise cache.broken(path, f"holds data of {form} for {len(labels)} labels", expected)
    if not len(labels) or not 0 <= labels.min() <= labels.max() < classes:
        found = f"holds labels from {labels.min()} to {labels.max()}" if len(labels) else "holds no labels"
        raise cache.broken(path, found, f"classes 0 to {classes - 1}")
    return pictures.reshape(-1, 3, PIXELS, PIXELS), labels


def _texts(content: dict[Any, Any]) -> dict[str, Any]:
    """The entries whose key is a text; Python 2 has bytes in its place."""
    texts = {key.decode("latin1") if isinstance(key, bytes) else key: value for key, value in content.items()}
    return {key: value for key, value in texts.items() if isinstance(key, str)}
