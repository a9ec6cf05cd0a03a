"""CIFAR10-DVS (Li et al. 2017, doi:10.3389/fnins.2017.00309): recordings of a 128x128 event camera.

Read as its authors publish it, one folder per class with AEDAT 2 files, or re-packed as AEDAT4. The content
of a file, not its name, says which of the two it is. Files whose names are not those
of recordings are skipped.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from psubench import plugins
from psubench.data import aedat, aedat4, cache
from psubench.data.table import CIFAR10_CLASSES

SIZE = 48
_SUFFIXES = (".aedat", ".aedat4")


class Recordings:
    """Event streams as samples.

    Args:
        folder: that holds the ten folders of the classes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def labels(self, split: str) -> NDArray[np.int64]:
        """The classes of a split, [N]."""
        return np.array([label for _, label in files(self.folder)[split]], np.int64)

    def frames(self, split: str, chosen: NDArray[np.int64], T: int) -> NDArray[np.float32]:
        """Counts of OFF and ON events, [T, B, 2, 48, 48], in the usual order."""
        members = files(self.folder)[split]
        return np.stack([integrate(_read(members[number][0]), T) for number in chosen], axis=1)

    def active(self) -> float | None:
        """None: all files would have to be read."""
        return None


def open_samples(name: str) -> Recordings:
    """The recordings from the cache."""
    return Recordings(cache.require(name))


def note(name: str, T: int) -> str:  # noqa: ARG001
    """How the events were integrated."""
    return f"{T} frames of equally many events, 128x128 pixels summed to {SIZE}x{SIZE}"


@lru_cache(maxsize=2)
def files(folder: Path) -> dict[str, list[tuple[Path, int]]]:
    """File and class of each recording: of each class the first nine tenths train, the others test.

    The data set comes without a split; 9 to 1 is the convention.
    """
    split: dict[str, list[tuple[Path, int]]] = {"train": [], "test": []}
    for label, name in enumerate(CIFAR10_CLASSES):
        found = _recordings(folder / name)
        if not found:
            raise cache.broken(folder / name, "contains no recording", "files *.aedat or *.aedat4")
        if len({path.suffix.lower() for path in found}) > 1:
            raise cache.broken(
                folder / name, "holds two formats of recordings", "*.aedat or *.aedat4, not both"
            )
        found.sort(key=_by_number)
        border = len(found) * 9 // 10
        split["train"] += [(path, label) for path in found[:border]]
        split["test"] += [(path, label) for path in found[border:]]
    return split


def integrate(events: aedat.Events, T: int) -> NDArray[np.float32]:
    """Counts [T, 2, 48, 48] of N events: frame t has those from t floor(N/T) on; the last has the rest too.

    A pixel of 128x128 belongs to pixel (48 x / 128, 48 y / 128), so that no event is lost.
    """
    row, column = (axis.astype(np.int64) * SIZE // aedat.SENSOR for axis in (events.row, events.column))
    each = len(row) // T
    frame = np.minimum(np.arange(len(row)) // each, T - 1) if each else np.full(len(row), T - 1)
    entry = ((frame * 2 + events.on) * SIZE + row) * SIZE + column
    counts = np.bincount(entry, minlength=T * 2 * SIZE * SIZE)
    return counts.reshape(T, 2, SIZE, SIZE).astype(np.float32)


def _recordings(folder: Path) -> list[Path]:
    """The files of recordings; not hidden ones, as the ._* of macOS, nor foreign ones."""
    try:
        return [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()
        ]
    except OSError as error:
        raise cache.broken(folder, plugins.one_line(error), "a folder of recordings") from None


def _read(path: Path) -> aedat.Events:
    """The events of a recording of either kind."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(aedat4.MAGIC))
    except OSError as error:
        raise cache.broken(path, plugins.one_line(error), "a recording") from None
    return aedat4.read(path) if begins.startswith(b"#!AER-DAT4") else aedat.read_aedat2(path)


def _by_number(path: Path) -> tuple[int, str]:
    """cifar10_cat_2 before cifar10_cat_10."""
    digits = re.findall(r"\d+", path.stem)
    return (int(digits[-1]) if digits else -1, path.name)
