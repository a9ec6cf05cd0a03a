"""Synthetic event streams with the shape and the event density of a recorded data set, and random labels.

A sample is drawn from its split and number alone: the sets are as fixed as the recorded ones, and another
T bins the same events differently. The events are spread evenly over channels and time, unlike recorded ones,
so that nothing can be learned from them; they are meant for measuring time and operations. The
number of events is an assumption about the recorded sets, drawn from a Poisson distribution: no citable
number was found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STREAM = {"train": 11, "test": 12}
_LABELS = 10  # separates the draws of the labels from those of the samples


@dataclass(frozen=True)
class SyntheticEvents:
    """One synthetic data set as samples.

    Attributes:
        step: shape of one step.
        classes: how many.
        events: assumed mean number of events of a sample.
        sizes: samples of each split, as in the recorded set.
    """

    step: tuple[int, ...]
    classes: int
    events: int
    sizes: dict[str, int]

    def labels(self, split: str) -> NDArray[np.int64]:
        """Random classes, [N]."""
        draw = np.random.default_rng([_LABELS, _STREAM[split]])
        return draw.integers(self.classes, size=self.sizes[split])

    def frames(self, split: str, chosen: NDArray[np.int64], T: int) -> NDArray[np.float32]:
        """Counts of events, [T, B, *step]: the k-th of N events falls into frame floor(k T / N)."""
        entries = int(np.prod(self.step))
        x = np.empty((T, len(chosen), entries), np.float32)
        for place, number in enumerate(chosen):
            draw = np.random.default_rng([_STREAM[split], int(number)])
            # evenly spread times in order: the k-th of N is at k / N
            where = draw.integers(entries, size=draw.poisson(self.events), dtype=np.uint16)
            frame = np.arange(len(where)) * T // max(len(where), 1)
            x[:, place] = np.bincount(frame * entries + where, minlength=T * entries).reshape(T, entries)
        return x.reshape(T, len(chosen), *self.step)

    def active(self) -> float | None:
        """None: the sum of squared counts depends on T."""
        return None


SETS = {
    "synthetic:shd": SyntheticEvents((700,), 20, 8_000, {"train": 8156, "test": 2264}),
    "synthetic:dvscifar10": SyntheticEvents((2, 48, 48), 10, 200_000, {"train": 9000, "test": 1000}),
}


def open_samples(name: str) -> SyntheticEvents:
    """The synthetic data set of that name."""
    return SETS[name]


def note(name: str, T: int) -> str:
    """A note that the data are synthetic, with the assumed number of events."""
    return f"synthetic events, {SETS[name].events:,} a sample (assumed), {T} bins; random labels"
