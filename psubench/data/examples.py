"""One example of each class of a data set, and how dense its input is: numpy only, unless it is a plug-in."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from psubench.data.batches import batches, note, open_samples
from psubench.data.names import DataRef
from psubench.data.plugin import NothingError
from psubench.data.table import TABLE

if TYPE_CHECKING:
    from torch import Tensor

_DENSITY = 256
"""Number of training samples from which the density of the input is measured."""
_FRAMES, _BINS = 10, 100
"""T for recordings without a natural number of steps: for frames, that of the paper's VGGSNN; for a line of
channels, enough to see its course."""


@dataclass(frozen=True)
class Examples:
    """What `psubench data show` shows.

    Attributes:
        x: the first training sample of each class, [T, classes found, *step].
        classes: their names.
        rows: whether a step is a row of a picture.
        samples: number of samples over which the density was measured.
        mean: of an entry of the input.
        nonzero: share of the entries that are not 0.
        note: what was done to the recordings.
    """

    x: NDArray[np.float32]
    classes: list[str]
    rows: bool
    samples: int
    mean: float
    nonzero: float
    note: str | None

    def facts(self) -> dict[str, Any]:
        """T and the density, as `data show` lists them."""
        density = f"{100 * self.nonzero:.1f} % of the entries are not 0, their mean is {self.mean:.3g}"
        return {
            "T": len(self.x),
            "done": self.note or "nothing",
            "density": f"{density} (over {self.samples} training samples)",
        }


def draw(ref: DataRef, T: int | None = None) -> Examples:
    """Examples of the training split at T steps, by default as many as the recordings have, or 10 or 100.

    Raises:
        PsubenchError: as `batches` does.
    """
    if ref.is_plugin:
        return _from_batches(ref, T or _FRAMES)
    spec = TABLE[ref.kind]
    T = T or spec.steps or (_BINS if len(spec.step or ()) == 1 else _FRAMES)
    samples = open_samples(ref)
    labels = samples.labels("train")
    _, first = np.unique(labels, return_index=True)
    dense = np.random.default_rng(0).permutation(len(labels))[:_DENSITY]
    x, many = samples.frames("train", first, T), samples.frames("train", dense, T)
    names = spec.class_names
    classes = [names[label] if names else f"class {label}" for label in labels[first]]
    return Examples(x, classes, spec.rows, *_density(many), note(ref, T))


def _from_batches(ref: DataRef, T: int) -> Examples:
    """Examples of a plug-in, from its first batch only."""
    x, labels = _first(ref, T)
    _, first = np.unique(labels.numpy(), return_index=True)
    classes = [f"class {label}" for label in labels.numpy()[first]]
    return Examples(x.numpy()[:, first], classes, False, *_density(x.numpy()), None)


def _first(ref: DataRef, T: int) -> tuple[Tensor, Tensor]:
    """The first batch of a plug-in, a small one if it has not enough samples for a large one."""
    for batch in (_DENSITY, 16):
        with suppress(NothingError):
            return next(iter(batches(ref, T=T, batch=batch, seed=0, split="train")))
    return next(iter(batches(ref, T=T, batch=1, seed=0, split="train")))


def _density(x: NDArray[np.float32]) -> tuple[int, float, float]:
    """Number of samples, mean of an entry, share of the entries that are not 0."""
    return x.shape[1], float(x.mean(dtype=np.float64)), float(np.count_nonzero(x) / x.size)
