"""Spoken digits as spikes: the Free Spoken Digit recordings, shipped as MFCC in spoken_digits.npz.

The encoding is send-on-delta (Miskowicz 2006, doi:10.3390/s6010049) with at most one spike per step: a
channel's estimate starts at the channel's mean; a step at which the MFCC is at least `THRESHOLD` standard
deviations above the estimate gives an ON spike and raises the estimate by that much, one as far below
gives an OFF spike and lowers it. So the estimate that the spikes describe is within the threshold of the
MFCC after every step without a spike.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

STEPS = 32
"""Every recording, whose median is 17 frames, is stretched or squeezed to this many steps."""
THRESHOLD = 0.5
"""In standard deviations of the channel. One entry in eight is then a spike; 0.3 would make it one in
five, and every sixth estimate would lag behind; 1.0 one in 23, too few to tell the digits apart as well."""


class Recordings(NamedTuple):
    """The whole set.

    Attributes:
        mfcc: float64 [3000, 32, 13], minus the channel's mean, in its standard deviations.
        spikes: bool [3000, 32, 26]: 13 ON channels, then 13 OFF channels.
        labels: the digits, [3000].
        test: whether a recording belongs to the test split, [3000].
    """

    mfcc: NDArray[np.float64]
    spikes: NDArray[np.bool_]
    labels: NDArray[np.int64]
    test: NDArray[np.bool_]


class SpokenDigits:
    """The recordings as samples of two splits."""

    def labels(self, split: str) -> NDArray[np.int64]:
        """The digits of a split, [N]."""
        return load().labels[self._members(split)]

    def frames(self, split: str, chosen: NDArray[np.int64], T: int) -> NDArray[np.float32]:
        """Zeros and ones [T, B, 26]; T below 32 cuts the recordings, above 32 repeats them."""
        members = self._members(split)[chosen]
        spikes = load().spikes[members][:, np.arange(T) % STEPS]
        return spikes.swapaxes(0, 1).astype(np.float32, order="C")

    def active(self) -> float:
        """Expected number of spikes among the 26 inputs at one step, over the training recordings."""
        return float(load().spikes[self._members("train")].sum(axis=2).mean())

    def _members(self, split: str) -> NDArray[np.int64]:
        return np.flatnonzero(load().test == (split == "test"))


def open_samples(name: str) -> SpokenDigits:  # noqa: ARG001
    """The data set, of which there is only one."""
    return SpokenDigits()


def note(name: str, T: int) -> str | None:  # noqa: ARG001
    """What is done to the recordings to get T steps; None at T = 32."""
    if T == STEPS:
        return None
    return f"first {T} of {STEPS} recorded steps" if T < STEPS else f"{STEPS} recorded steps repeated to {T}"


@cache
def load() -> Recordings:
    """All recordings, encoded; their arrays cannot be written to."""
    with (
        resources.files("psubench.data").joinpath("spoken_digits.npz").open("rb") as file,
        np.load(file) as a,
    ):
        frames, lengths, test = a["frames"], a["lengths"].astype(np.int64), a["test"]
        labels = a["labels"].astype(np.int64)
    # A zero frame is the mean. The sum of integers has no rounding error, so that the deviations, and
    # with them the spikes, are the same on every machine.
    train = frames[np.repeat(~test, lengths)].astype(np.int64)
    deviation = np.sqrt((train**2).sum(axis=0) / len(train))
    mfcc = resample(frames / deviation, lengths)
    recordings = Recordings(mfcc, send_on_delta(mfcc), labels, test)
    for array in recordings:
        array.flags.writeable = False
    return recordings


def resample(frames: NDArray[np.float64], lengths: NDArray[Any]) -> NDArray[np.float64]:
    """Recordings of any length, one after the other [sum of lengths, C], to [recordings, 32, C].

    Linear between frames; first and last step are the first and last frame. Lengths are at least 2.
    """
    begin = np.cumsum(lengths) - lengths
    position = np.arange(STEPS) * (lengths - 1)[:, None] / (STEPS - 1)
    before = np.minimum(position.astype(np.int64), lengths[:, None] - 2)
    low, high = frames[begin[:, None] + before], frames[begin[:, None] + before + 1]
    result: NDArray[np.float64] = low + (high - low) * (position - before)[..., None]
    return result


def send_on_delta(mfcc: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Spikes [N, steps, 2 C], ON before OFF, of standardised channels [N, steps, C]."""
    estimate = np.zeros_like(mfcc[:, 0])
    spikes = []
    for now in mfcc.swapaxes(0, 1):
        on, off = now - estimate >= THRESHOLD, now - estimate <= -THRESHOLD
        estimate += THRESHOLD * (on.astype(np.float64) - off)
        spikes.append(np.concatenate([on, off], axis=-1))
    return np.stack(spikes, axis=1)
