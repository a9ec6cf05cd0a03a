"""Spiking Heidelberg Digits and Spiking Speech Commands, from the HDF5 files that their authors publish.

Layout (Cramer et al. 2020, doi:10.1109/TNNLS.2020.3044364): /spikes/times, a list of float16 seconds per
sample; /spikes/units, as many channels 0..699; /labels. A batch reads its own samples and no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psubench import plugins
from psubench.data import cache
from psubench.data.table import TABLE

CHANNELS = 700
SECONDS = 0.9
"""Every recording is clipped or padded to this time, as the paper's experiments have it."""
_EXPECTED = "the published HDF5 with /labels, /spikes/times and /spikes/units"


class Cochlea:
    """The spikes of an artificial inner ear as samples.

    Args:
        name: of the data set.
        folder: that holds its files.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.classes = TABLE[name].classes or 0

    def labels(self, split: str) -> NDArray[np.int64]:
        """The classes of a split, [N]."""
        with self._opened(split) as (path, file):
            labels = np.asarray(file["labels"][:]).astype(np.int64)
            if len(labels) and not 0 <= labels.min() <= labels.max() < self.classes:
                raise cache.broken(path, f"has labels to {labels.max()}", f"classes 0 to {self.classes - 1}")
            return labels

    def frames(self, split: str, chosen: NDArray[np.int64], T: int) -> NDArray[np.float32]:
        """Spikes per bin of 900 ms / T and channel, [T, B, 700]."""
        x = np.empty((T, len(chosen), CHANNELS), np.float32)
        with self._opened(split) as (path, file):
            all_times, all_units = file["spikes/times"], file["spikes/units"]
            for place, number in enumerate(chosen):
                times = np.asarray(all_times[number]).astype(np.float64)  # float16 cannot count bins
                units = np.asarray(all_units[number]).astype(np.int64)
                _check(path, int(number), times, units)
                x[:, place] = bins(times, units, T)
        return x

    def active(self) -> float | None:
        """None: only all files could tell."""
        return None

    @contextmanager
    def _opened(self, split: str) -> Iterator[tuple[Path, Any]]:
        """The open file of a split, with the lists that it must have."""
        import h5py

        path = self.folder / f"{self.name}_{split}.h5"
        try:
            with h5py.File(path, "r") as file:
                lists = [file.get(name) for name in ("labels", "spikes/times", "spikes/units")]
                if not all(isinstance(one, h5py.Dataset) for one in lists):
                    raise cache.broken(path, f"has /{', /'.join(file) or ' alone'}", _EXPECTED)
                if len({len(one) for one in lists}) != 1:
                    raise cache.broken(path, "has lists of unequal length", _EXPECTED)
                yield path, file
        except OSError as error:  # of h5py: no HDF5, or cut off
            raise cache.broken(path, plugins.one_line(error), _EXPECTED) from None


def bins(times: NDArray[np.float64], units: NDArray[np.int64], T: int) -> NDArray[np.float32]:
    """Counts [T, 700] of spikes at `times` in seconds; those from 900 ms on are left out."""
    inside = times < SECONDS
    step = (times[inside] * T / SECONDS).astype(np.int64).clip(max=T - 1)
    counts = np.bincount(step * CHANNELS + units[inside], minlength=T * CHANNELS)
    return counts.reshape(T, CHANNELS).astype(np.float32)


def open_samples(name: str) -> Cochlea:
    """SHD or SSC from the cache."""
    return Cochlea(name, cache.require(name))


def note(name: str, T: int) -> str:  # noqa: ARG001
    """How the spikes were binned."""
    return f"clipped or padded to {SECONDS * 1000:g} ms, spikes counted in {T} bins"


def _check(path: Path, number: int, times: NDArray[np.float64], units: NDArray[np.int64]) -> None:
    what = f"sample {number}"
    if times.shape != units.shape or times.ndim != 1:
        raise cache.broken(path, f"{what} has {times.size} times for {units.size} channels", _EXPECTED)
    if not (times >= 0).all():  # NaN too
        raise cache.broken(path, f"{what} has times below 0 or NaN", "seconds from the start")
    if len(units) and not 0 <= units.min() <= units.max() < CHANNELS:
        raise cache.broken(path, f"{what} has channels to {units.max()}", f"channels 0 to {CHANNELS - 1}")
