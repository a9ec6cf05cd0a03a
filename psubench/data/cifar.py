"""CIFAR-10 and CIFAR-100 from their python pickles: the image at every step, or one column per step."""

from __future__ import annotations

import pickle
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psubench import plugins
from psubench.data import cache
from psubench.data.rows import resample

PIXELS = 32

_FILES = {
    "cifar10": {
        "train": [f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)],
        "test": ["cifar-10-batches-py/test_batch"],
    },
    "cifar100": {"train": ["cifar-100-python/train"], "test": ["cifar-100-python/test"]},
}
_LABELS = {"cifar10": (b"labels", 10), "cifar100": (b"fine_labels", 100)}
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
        """None: only all files could tell."""
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


def read_pickle(path: Path, labels_key: bytes, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images [N, 3, 32, 32] and classes [N] of one pickle; nothing in it is executed.

    Raises:
        PsubenchError: it is no pickle, asks for more than arrays, or holds something else.
    """
    expected = f'the published python pickle with "data" [N, 3072] of bytes and "{labels_key.decode()}"'
    try:
        with path.open("rb") as file:
            content = _Arrays(file, encoding="bytes").load()
    except Exception as error:  # a broken pickle may raise anything
        raise cache.broken(path, plugins.one_line(error), expected) from None
    keys = (b"data", labels_key)
    if not isinstance(content, dict) or any(key not in content for key in keys):
        held = list(content) if isinstance(content, dict) else type(content).__name__
        raise cache.broken(path, f"holds {held}", expected)
    data, labels = content[b"data"], np.asarray(content[labels_key])
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape != (len(labels), 3072):
        raise cache.broken(path, f"holds data of {_form(data)} for {_form(labels)} labels", expected)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < classes:
        raise cache.broken(path, f"holds labels of {_form(labels)}", f"classes 0 to {classes - 1}")
    return data.reshape(-1, 3, PIXELS, PIXELS), labels.astype(np.int64)


class _Arrays(pickle.Unpickler):
    """Makes numpy arrays and what Python builds in; refuses to look anything else up."""

    def find_class(self, module: str, name: str) -> Any:
        """The few globals that the pickle of an array names, under the names of any numpy."""
        asked = (module.replace("numpy._core", "numpy.core"), name)
        if asked == ("numpy.core.multiarray", "_reconstruct"):
            return _reconstruct
        if asked == ("numpy", "ndarray"):
            return np.ndarray
        if asked == ("numpy", "dtype"):
            return _dtype
        raise pickle.UnpicklingError(f"asks for {module}.{name}, which no CIFAR file needs: do not trust it")


def _reconstruct(kind: type, shape: tuple[int, ...], code: bytes) -> NDArray[Any]:
    """An empty array, which the pickle then fills; numpy's own function is private."""
    if kind is not np.ndarray or tuple(shape) != (0,):
        raise pickle.UnpicklingError("builds something else than an array")
    return np.ndarray.__new__(np.ndarray, (0,), code.decode("ascii"))


def _dtype(code: bytes, _align: int, _copy: int) -> np.dtype[Any]:
    """The type of bytes, the only one in these files; numpy warns of how Python 2 asked for it."""
    if code != b"u1":
        raise pickle.UnpicklingError(f"holds an array of type {code!r}")
    return np.dtype(np.uint8).newbyteorder("=")


def _form(value: Any) -> str:
    return f"{list(value.shape)} {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
