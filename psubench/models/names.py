"""THE table of networks, and the way from the text of the command line to one of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from psubench import plugins
from psubench.errors import PsubenchError, nearest
from psubench.plugins import Value

_LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType({"width": (0.001, 16.0), "depth": (1, 64)})


@dataclass(frozen=True)
class ModelSpec:
    """What psubench knows about one network.

    Attributes:
        name: as the command line takes it.
        geometry: one line; N is a layer of spiking neurons, P an average pooling of 2, BN a batch
            normalisation. The output is the mean over T of the last linear layer.
        input_shape: of one step of one sample; None for whatever the data have.
        classes: outputs where the data do not say how many.
        data: input of the paper's shape and density that is always here, for timing.
        real: real data of that shape, for what depends on them; shipped where there are such.
        T, batch: of the paper.
        parameters: names and defaults; `width` scales every hidden layer, `depth` is the number of layers
            per stage.
        source: where the network was published.
        module: "module:function" that makes its layers.
    """

    name: str
    geometry: str
    input_shape: tuple[int, ...] | None
    classes: int
    data: str
    real: str
    T: int
    batch: int
    parameters: Mapping[str, float]
    source: str
    module: str


_HERE = "psubench.models"
_PSU = "Li et al. 2024, arXiv:2402.00449"
_PSN = "Fang et al. 2023, arXiv:2304.12760"

_SPECS = (
    ModelSpec(
        name="vggsnn",
        geometry="{conv3x3-BN-N} 64-128-P-256-256-P-512-512-P-512-512-P, FC",
        input_shape=(2, 48, 48),
        classes=10,
        data="synthetic:dvscifar10",
        real="fashion-mnist-events",
        T=10,
        batch=128,
        parameters={"width": 1.0, "depth": 2},
        source=f"{_PSU}; Deng et al. 2022, arXiv:2202.11946",
        module=f"{_HERE}.convolutional:vggsnn",
    ),
    ModelSpec(
        name="shd",
        geometry="{FC-N} 128-128-128, FC",
        input_shape=(700,),
        classes=20,
        data="synthetic:shd",
        real="shd",
        T=15,
        batch=256,
        parameters={"width": 1.0, "depth": 3},
        source=_PSU,
        module=f"{_HERE}.dense:shd",
    ),
    ModelSpec(
        name="shd-wide",
        geometry="{FC-dropout 0.4-BN-N} 1024-1024, FC",
        input_shape=(700,),
        classes=20,
        data="synthetic:shd",
        real="shd",
        T=15,
        batch=256,
        parameters={"width": 1.0, "depth": 2},
        source=f"{_PSU}, without its attention front end",
        module=f"{_HERE}.dense:shd_wide",
    ),
    ModelSpec(
        name="seqcifar",
        geometry="{{conv1d k3-BN-N} 128-128-128-P} twice, FC-N 256, FC",
        input_shape=(3, 32),
        classes=10,
        data="normal",
        real="seqcifar10",
        T=32,
        batch=128,
        parameters={"width": 1.0, "depth": 3},
        source=_PSN,
        module=f"{_HERE}.convolutional:seqcifar",
    ),
    ModelSpec(
        name="cifarnet",
        geometry="{{conv3x3-BN-N} 256-256-256-P} twice, FC-N 4096, FC",
        input_shape=(3, 32, 32),
        classes=10,
        data="normal",
        real="cifar10",
        T=4,
        batch=64,
        parameters={"width": 1.0, "depth": 3},
        source=_PSN,
        module=f"{_HERE}.convolutional:cifarnet",
    ),
    ModelSpec(
        name="mlp",
        geometry="{FC-BN-N} 128-128, FC",
        input_shape=None,
        classes=10,
        data="spoken-digits",
        real="spoken-digits",
        T=32,
        batch=32,
        parameters={"width": 1.0, "depth": 2},
        source="-",
        module=f"{_HERE}.dense:mlp",
    ),
)

TABLE: Mapping[str, ModelSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})


@dataclass(frozen=True)
class ModelRef:
    """A network as it was asked for.

    Attributes:
        name: canonical text, which `parse` reads back: "vggsnn(width=0.25)"; defaults are left out.
        kind: name in `TABLE`, or "module:attribute" of a plug-in.
        parameters: pairs of name and value that differ from the defaults, sorted.
    """

    name: str
    kind: str
    parameters: tuple[tuple[str, Value], ...]

    @property
    def is_plugin(self) -> bool:
        """Whether its code comes from outside psubench."""
        return self.kind not in TABLE


def parse(text: str) -> ModelRef:
    """The network that `name[(key=value,...)]` names; imports nothing.

    A plug-in is `package.module:attribute[(...)]` or `path/file.py:attribute[(...)]`.
    Errors: PsubenchError with the nearest known name, or with the range of the parameter.
    """
    kind, given = plugins.parse_call(text)
    if ":" in kind:
        plugins.check_exists(kind)
        parameters = given
    elif kind in TABLE:
        parameters = _checked(TABLE[kind], given)
    else:
        what = f'unknown model "{kind}"' if kind else f'"{text}" does not name a model'
        raise PsubenchError(what, nearest(kind, ["neuron", *TABLE]))
    pairs = tuple(sorted(parameters.items()))
    return ModelRef(plugins.show_call(kind, pairs), kind, pairs)


def _checked(spec: ModelSpec, given: Mapping[str, Value]) -> dict[str, Value]:
    """The given parameters as numbers, without those that equal the defaults."""
    differ: dict[str, Value] = {}
    for key, value in given.items():
        if key not in spec.parameters:
            raise PsubenchError(
                f'model "{spec.name}" has no parameter "{key}"', nearest(key, spec.parameters)
            )
        low, high = _LIMITS[key]
        kind = int if key == "depth" else int | float
        if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
            what = "whole number" if key == "depth" else "number"
            raise PsubenchError(
                f'model "{spec.name}": {key}={plugins.show_value(value)}',
                f"{key} is a {what} from {low:g} to {high:g}",
            )
        if value != spec.parameters[key]:
            differ[key] = int(value) if value == int(value) else value  # 2.0 as 2: one name for one thing
    return differ
