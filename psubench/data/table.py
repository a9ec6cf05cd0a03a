"""THE table of data sets: what each one is, and where its files come from. Imports no torch, no numpy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from psubench.data.spec import DataSpec, Download

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

# fmt: off
CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)
# fmt: on
_CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")

_HEIDELBERG = tuple(
    DataSpec(
        name=name,
        description=description,
        source="Cramer et al. 2020, zenkelab.org/resources/spiking-heidelberg-datasets-shd",
        licence="CC BY 4.0",
        real=True,
        module="psubench.data.heidelberg",
        step=(700,),
        classes=classes,
        splits=tuple(md5),
        folder=name,
        files=tuple(f"{name}_{split}.h5" for split in md5),
        downloads=tuple(
            Download(f"https://zenkelab.org/datasets/{name}_{split}.h5.zip", code, (f"{name}_{split}.h5",))
            for split, code in md5.items()
        ),
    )
    for name, description, classes, md5 in (
        (
            "shd",
            "Spiking Heidelberg Digits: 10,420 recordings of the digits 0-9 in two languages, as spikes",
            20,
            {"train": "f3252aeb598ac776c1b526422d90eecb", "test": "1503a5064faa34311c398fb0a1ed0a6f"},
        ),
        (
            "ssc",
            "Spiking Speech Commands: 105,829 recordings of 35 words, as spikes",
            35,
            {
                "train": "d102be95e7144fcc0553d1f45ba94170",
                "valid": "b4eee3516a4a90dd0c71a6ac23a8ae43",
                "test": "a35ff1e9cffdd02a20eb850c17c37748",
            },
        ),
    )
)

_PICKLES = {
    "cifar10": Download(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        tuple(
            f"cifar-10-batches-py/{file}"
            for file in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch")
        ),
    ),
    "cifar100": Download(
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "eb9058c3a382ffc7106e4002c42a8d85",
        ("cifar-100-python/train", "cifar-100-python/test"),
    ),
}
_CIFAR = tuple(
    DataSpec(
        name=f"{prefix}{name}",
        description=f"60,000 images of {classes} classes, {how}",
        source="CIFAR, Krizhevsky 2009, www.cs.toronto.edu/~kriz/cifar.html",
        licence="none stated",
        real=True,
        module="psubench.data.cifar",
        steps=32 if prefix else None,
        step=(3, 32) if prefix else (3, 32, 32),
        classes=classes,
        class_names=CIFAR10_CLASSES if classes == 10 else (),
        splits=_SPLITS,
        folder=name,
        files=_PICKLES[name].members,
        downloads=(_PICKLES[name],),
    )
    for prefix, how in (("", "the image repeated at every step"), ("seq", "one column of the image per step"))
    for name, classes in (("cifar10", 10), ("cifar100", 100))
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
        class_names=_CLOTHES,
        rows=True,
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
        module="psubench.data.event_camera",
        step=(2, 48, 48),
        classes=10,
        class_names=_CLOTHES,
        splits=_SPLITS,
        folder="fashion-mnist",
        files=_IDX,
        downloads=_IDX_DOWNLOADS,
        shipped=True,
        parameters={"full": False},
    ),
    *_HEIDELBERG,
    *_CIFAR,
    DataSpec(
        name="cifar10-dvs",
        description="10,000 recordings of moving CIFAR-10 images by an event camera; OFF and ON counts",
        source="CIFAR10-DVS, doi.org/10.3389/fnins.2017.00309",
        licence="see its page at figshare",
        real=True,
        module="psubench.data.cifar10_dvs",
        step=(2, 48, 48),
        classes=10,
        class_names=CIFAR10_CLASSES,
        splits=_SPLITS,
        folder="cifar10-dvs",
        files=CIFAR10_CLASSES,
        obtain="unpack the ten archives of doi.org/10.6084/m9.figshare.4724671",
    ),
    DataSpec(
        name="synthetic:shd",
        description="synthetic: the shape and about the event density of SHD; random labels",
        source="-",
        licence="-",
        real=False,
        module="psubench.data.synthetic_events",
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
        module="psubench.data.synthetic_events",
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
        module="psubench.data.noise",
        parameters={"mu": 1.0},
        ranges={"mu": (-1e6, 1e6)},
    ),
    DataSpec(
        name="spikes",
        description="noise: every current is 1 with probability rate=0.1, else 0; lif(tau=2) never fires",
        source="-",
        licence="-",
        real=False,
        module="psubench.data.noise",
        parameters={"rate": 0.1},
        ranges={"rate": (0.0, 1.0)},
    ),
)

TABLE: Mapping[str, DataSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
