"""Spiking Heidelberg Digits and Spiking Speech Commands, from the HDF5 files that their authors publish.

Layout (Cramer et al. 2020, doi:10.1109/TNNLS.2020.3044364): /spikes/times, a list of float16 seconds per
sample; /spikes/units, as many channels 0..699; /labels. Copies in other types, with one row per sample, or
with times in milliseconds, microseconds or nanoseconds are read too. A batch reads its own samples and no
others, and never another file: links are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from psubench import plugins
from psubench.data import cache
from psubench.data.table import TABLE
from psubench.errors import PsubenchError, one_line

CHANNELS = 700
SECONDS = 0.9
"""Every recording is clipped or padded to this time, as in the paper's experiments."""
LONGEST = 10.0
"""Seconds. The longest published recording has 1.4."""
_SHORTEST = 0.1
"""Seconds: the longest recording of a file lasts at least this long, which shows the unit of its times."""
_UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_LOOKED_AT = 64
"""Number of recordings from which the unit of a file's times is inferred."""
_MOST = 10_000_000
"""Samples of a file and spikes of a sample: a file that declares more is broken and is not read."""
_LISTS = ("labels", "spikes/times", "spikes/units")
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
        with _opened(self._path(split)) as (path, (kept, *_)):
            labels = _whole(path, "/labels", np.asarray(kept[:]).reshape(-1))
            if len(labels) and not 0 <= labels.min() <= labels.max() < self.classes:
                found = f"has labels from {labels.min()} to {labels.max()}"
                raise cache.broken(path, found, f"classes 0 to {self.classes - 1}")
            return labels

    def frames(self, split: str, chosen: NDArray[np.int64], T: int) -> NDArray[np.float32]:
        """Spikes per bin of 900 ms / T and channel, [T, B, 700]."""
        x = np.empty((T, len(chosen), CHANNELS), np.float32)
        path = self._path(split)
        per_second = _per_second(path)
        with _opened(path) as (_, (_, all_times, all_units)):
            for place, number in enumerate(chosen):
                what = f"sample {int(number)}"
                times = _times(path, all_times, int(number)) / per_second
                units = _whole(path, f"{what} of /spikes/units", np.asarray(all_units[number]))
                _check(path, what, times, units, per_second)
                x[:, place] = bins(times, units, T)
        return x

    def active(self) -> float | None:
        """None: all files would have to be read."""
        return None

    def _path(self, split: str) -> Path:
        return self.folder / f"{self.name}_{split}.h5"


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


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Path, tuple[Any, Any, Any]]]:
    """The labels, times and units of an open file, whose shapes and types are those of its layout."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            labels, times, units = (_own(path, file, name) for name in _LISTS)
            _check_form(path, labels, times, units)
            yield path, (labels, times, units)
    except PsubenchError:
        raise
    except Exception as error:  # a broken file makes h5py raise anything
        raise cache.broken(path, plugins.one_line(error), _EXPECTED) from None


def _own(path: Path, file: Any, name: str) -> Any:
    """The list of that name, which must be in this file."""
    import h5py

    found = file
    for part in name.split("/"):
        link = found.get(part, getlink=True) if isinstance(found, h5py.Group) else None
        if isinstance(link, h5py.SoftLink | h5py.ExternalLink):
            raise cache.broken(path, f"/{name} is a link, which is not followed", _EXPECTED)
        found = None if link is None else found.get(part)
    if not isinstance(found, h5py.Dataset):
        held = one_line(", ".join(f"/{key}" for key in file) or "nothing")
        raise cache.broken(path, f"has {held:.200}, but no list /{name}", _EXPECTED)
    if found.is_virtual or found.external:
        raise cache.broken(path, f"/{name} is in another file, which is not opened", _EXPECTED)
    return found


def _check_form(path: Path, labels: Any, times: Any, units: Any) -> None:
    """Raises PsubenchError unless there are N labels, and a list or a row of numbers for each; reads none."""
    import h5py

    for name, kept in zip(_LISTS, (labels, times, units), strict=True):
        shape, inner = kept.shape or (), h5py.check_vlen_dtype(kept.dtype)
        if name == "labels":
            fits = inner is None and shape in ((kept.size,), (kept.size, 1))
        else:
            fits = len(shape) == (2 if inner is None else 1)
        if not fits or (inner or kept.dtype).kind not in "iuf" or max(shape) > _MOST:
            found = one_line(f"/{name} holds {kept.dtype} of shape {list(shape)}")
            raise cache.broken(path, f"{found:.200}", f"{_EXPECTED}, at most {_MOST:,} each")
    if len({len(labels), len(times), len(units)}) != 1:
        raise cache.broken(path, "has lists of unequal length", _EXPECTED)


def _whole(path: Path, what: str, values: NDArray[Any]) -> NDArray[np.int64]:
    """Integers as int64, whatever type they were stored in."""
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.floor(values)).all()):
        raise cache.broken(path, f"{what} contains numbers that are not integers", _EXPECTED)
    if values.size and not -(2**62) < values.min() <= values.max() < 2**62:
        raise cache.broken(path, f"{what} contains numbers up to {values.max()}", _EXPECTED)
    return values.astype(np.int64)


def _times(path: Path, kept: Any, number: int) -> NDArray[np.float64]:
    """The times of a sample as they are in the file."""
    times = np.asarray(kept[number]).astype(np.float64)  # float16 cannot count bins
    if not (np.isfinite(times) & (times >= 0)).all():
        raise cache.broken(
            path, f"sample {number} has times below 0, NaN or infinite", "times from the start"
        )
    return times


def _check(
    path: Path, what: str, times: NDArray[np.float64], units: NDArray[np.int64], per_second: int
) -> None:
    """Raises PsubenchError unless these can be the spikes of one recording, times in seconds."""
    if times.shape != units.shape or times.ndim != 1:
        raise cache.broken(path, f"{what} has {times.size} times for {units.size} channels", _EXPECTED)
    if len(units) and not 0 <= units.min() <= units.max() < CHANNELS:
        found = f"{what} has channels from {units.min()} to {units.max()}"
        raise cache.broken(path, found, f"channels 0 to {CHANNELS - 1}")
    end = times.max() if len(times) else None
    if end is not None and (end > LONGEST or (per_second > 1 and end * per_second <= LONGEST)):
        found = f"{what} ends at {end * per_second:g}, where others are in {_name(per_second)}"
        raise cache.broken(path, found, "times in one unit")


def _per_second(path: Path) -> int:
    """How many units of a file's times are a second."""
    try:
        stat = path.stat()
    except OSError as error:
        raise cache.broken(path, plugins.one_line(error), _EXPECTED) from None
    return _recognised(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _recognised(path: Path, _changed: int, _size: int) -> int:
    """The unit in which the longest of some recordings is as long as a spoken word can be.

    Raises:
        PsubenchError: there is none.
    """
    import h5py

    with _opened(path) as (_, (_, kept, _)):
        some = dict.fromkeys(
            np.linspace(0, len(kept) - 1, _LOOKED_AT).astype(int).tolist() if len(kept) else []
        )
        longest = max((_times(path, kept, number).max(initial=-1.0) for number in some), default=-1.0)
        if longest < 0:  # they are empty: use the first that is not
            ends = (_times(path, kept, number).max(initial=-1.0) for number in range(len(kept)))
            longest = next((end for end in ends if end >= 0), -1.0)
        whole = (h5py.check_vlen_dtype(kept.dtype) or kept.dtype).kind in "iu"
    if longest < 0 or (longest <= LONGEST and not whole):
        return 1
    for per_second in _UNITS.values():
        if per_second > 1 and _SHORTEST * per_second <= longest <= LONGEST * per_second:
            return per_second
    kind = "integers" if whole else "times"
    raise cache.broken(
        path, f"/spikes/times holds {kind} to {longest:g}, which fits no unit", f"times in {_known()}"
    )


def _name(per_second: int) -> str:
    return next(name for name, value in _UNITS.items() if value == per_second)


def _known() -> str:
    return f"one of {', '.join(_UNITS)}, the longest of {_SHORTEST:g} to {LONGEST:g} seconds"
