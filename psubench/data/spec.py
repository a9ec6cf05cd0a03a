"""The entries of the table of data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Download:
    """A file that its publisher offers.

    Attributes:
        url: where it is.
        md5: of that file; SHD's and SSC's are in the publisher's md5sums.txt and in the loaders of
            SpikingJelly and tonic, those of CIFAR on its page, those of Fashion-MNIST in its README.
        members: paths in the archive to unpack, relative to the folder of the data set;
            empty if the file is used as it is.
    """

    url: str
    md5: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSpec:
    """What psubench knows about one data set.

    Attributes:
        name: as the command line takes it.
        description: one line.
        source: who made it, and where it is; "-" for synthetic input.
        licence: of the data; "-" for synthetic input.
        real: whether it was recorded.
        module: its code. For noise, the module has a function of the data set's name; for every other set,
            `open_samples` and `note`.
        steps: natural number of time steps of a recording; None if there is none.
        step: shape of one step of one sample; None for noise, which takes any shape.
        classes: how many; None for noise, which has no labels.
        class_names: their names; empty if the classes are numbers, or if only the files contain the names.
        rows: whether a step is a row of a picture, so that figures draw time downwards.
        splits: of the samples; "train" is the first.
        folder: its name in the cache; None if no files are needed.
        files: files that must be in that folder.
        downloads: where the files can be downloaded; if empty, `obtain` says what to do.
        obtain: a sentence for the user whose files are missing.
        shipped: whether it works without any file in the cache.
        parameters: names and defaults.
        ranges: smallest and largest value of each parameter that is a number.
    """

    name: str
    description: str
    source: str
    licence: str
    real: bool
    module: str
    steps: int | None = None
    step: tuple[int, ...] | None = None
    classes: int | None = None
    class_names: tuple[str, ...] = ()
    rows: bool = False
    splits: tuple[str, ...] = ()
    folder: str | None = None
    files: tuple[str, ...] = ()
    downloads: tuple[Download, ...] = ()
    obtain: str = ""
    shipped: bool = False
    parameters: Mapping[str, float | bool] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def shape(self) -> str:
        """Time steps and what enters at each, in words: "32 steps of 26"."""
        if self.step is None:
            return "any"
        return f"{self.steps or 'T'} steps of {'x'.join(map(str, self.step))}"
