"""Synthetic twins: event streams with the shape and the event density of a real set, and random labels.

A sample is drawn from its split and number alone: the sets are as fixed as the real ones, and another T
bins the same events anew. The events are spread evenly over channels and time, unlike the real ones, so
that nothing can be learned from them; they serve for time and operations. The number of events is an
assumption about the real sets, drawn from a Poisson distribution: no number that could be cited was found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STREAM = {"train": 11, "test": 12}
_LABELS = 10  # sets the draws of the labels apart from those of the samples


@dataclass(frozen=True)
class Twin:
    """One twin as samples.

    Attributes:
        step: shape of one step.
        classes: how many.
        events: assumed mean number of events of a sample.
        sizes: samples of each split, those of the real set.
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


TWINS = {
    "synthetic:shd": Twin((700,), 20, 8_000, {"train": 8156, "test": 2264}),
    "synthetic:dvscifar10": Twin((2, 48, 48), 10, 200_000, {"train": 9000, "test": 1000}),
}


def open_samples(name: str) -> Twin:
    """The twin of that name."""
    return TWINS[name]


def note(name: str, T: int) -> str:
    """That it is synthetic, and the assumption in it."""
    return f"synthetic events, {TWINS[name].events:,} a sample (assumed), {T} bins; random labels"
