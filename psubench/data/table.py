"""THE table of data sets: what each one is, and where its files come from. Imports no torch, no numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Download:
    """A file that its publisher offers.

    Attributes:
        url: where it is.
        md5: of that file; SHD's and SSC's are in the publisher's md5sums.txt and in the loaders of
            SpikingJelly and tonic, those of CIFAR on its page, those of Fashion-MNIST in its README.
        members: what to take out of the archive, paths in it, relative to the folder of the data set;
            none if the file is used as it is.
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
        source: who made it, and where it is; "-" for made-up input.
        licence: of the data; "-" for made-up input.
        real: whether it was recorded.
        module: where its code is. Noise has a function of the data set's name there, every other set
            `open_samples` and `note`.
        steps: how many time steps a recording has by nature; None if any number is as natural.
        step: shape of one step of one sample; None for noise, which has any.
        classes: how many; None for noise, which has no labels.
        splits: of the samples; "train" is the first.
        folder: in the cache; None if nothing need be obtained.
        files: which must be in that folder.
        downloads: where they can be had; without any, `obtain` says what to do.
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


_SPLITS = ("train", "test")
_ZALANDO = "Fashion-MNIST, github.com/zalandoresearch/fashion-mnist"
_IDX_MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
_IDX = tuple(_IDX_MD5)
_IDX_DOWNLOADS = tuple(
    Download(
        f"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/{name}", md5
    )
    for name, md5 in _IDX_MD5.items()
)

_SPECS = (
    DataSpec(
        name="spoken-digits",
        description="3,000 recordings of the digits 0-9 by 6 speakers; 13 MFCC as ON and OFF spikes",
        source="Free Spoken Digit Dataset, github.com/Jakobovski/free-spoken-digit-dataset",
        licence="CC BY-SA 4.0",
        real=True,
        module="psubench.data.spoken_digits",
        steps=32,
        step=(26,),
        classes=10,
        splits=_SPLITS,
        shipped=True,
    ),
    DataSpec(
        name="fashion-mnist",
        description="6,000 images of clothing, one row per step; full=false, full=true is all 70,000",
        source=_ZALANDO,
        licence="MIT",
        real=True,
        module="psubench.data.fashion_mnist",
        steps=28,
        step=(28,),
        classes=10,
        splits=_SPLITS,
        folder="fashion-mnist",
        files=_IDX,
        downloads=_IDX_DOWNLOADS,
        shipped=True,
        parameters={"full": False},
    ),
    DataSpec(
        name="fashion-mnist-events",
        description="Fashion-MNIST moved before a simulated event camera, OFF and ON counts; full=false",
        source=_ZALANDO,
        licence="MIT",
        real=True,
        module="psubench.data.camera",
        step=(2, 48, 48),
        classes=10,
        splits=_SPLITS,
        folder="fashion-mnist",
        files=_IDX,
        downloads=_IDX_DOWNLOADS,
        shipped=True,
        parameters={"full": False},
    ),
    DataSpec(
        name="synthetic:shd",
        description="synthetic: the shape and about the event density of SHD; random labels",
        source="-",
        licence="-",
        real=False,
        module="psubench.data.twins",
        step=(700,),
        classes=20,
        splits=_SPLITS,
    ),
    DataSpec(
        name="synthetic:dvscifar10",
        description="synthetic: the shape and about the event density of CIFAR10-DVS; random labels",
        source="-",
        licence="-",
        real=False,
        module="psubench.data.twins",
        step=(2, 48, 48),
        classes=10,
        splits=_SPLITS,
    ),
    DataSpec(
        name="normal",
        description="noise: every current drawn from N(mu, 1), mu=1",
        source="-",
        licence="-",
        real=False,
        module="psubench.data.synthetic",
        parameters={"mu": 1.0},
        ranges={"mu": (-1e6, 1e6)},
    ),
    DataSpec(
        name="spikes",
        description="noise: every current is 1 with probability rate=0.1, else 0; lif(tau=2) never fires",
        source="-",
        licence="-",
        real=False,
        module="psubench.data.synthetic",
        parameters={"rate": 0.1},
        ranges={"rate": (0.0, 1.0)},
    ),
)

TABLE: Mapping[str, DataSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
