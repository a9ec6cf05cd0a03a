"""THE table of networks, and the way from the text of the command line to one of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from psubench import plugins
from psubench.errors import PsubenchError, nearest
from psubench.neurons import candidates
from psubench.plugins import Value

STEP = "step"
"""What follows the "@" of a plug-in that takes one step at a time."""

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
        steps: whether a plug-in takes one step at a time.
        spiking: patterns of the names of spiking layers, beside those that are known by their classes.
    """

    name: str
    kind: str
    parameters: tuple[tuple[str, Value], ...]
    steps: bool = False
    spiking: tuple[str, ...] = ()

    @property
    def is_plugin(self) -> bool:
        """Whether its code comes from outside psubench."""
        return self.kind not in TABLE


def parse(text: str, spiking: str | None = None) -> ModelRef:
    """The network that `name[(key=value,...)]` names; imports nothing.

    A plug-in is `package.module:attribute[(...)]` or `path/file.py:attribute[(...)]`, with `@step` after it
    where it takes one step at a time, and with patterns of its spiking layers in brackets after that:
    `net.py:Net[layer*.lif]`. `path/file.py` alone is the one class in it that could be meant.

    Args:
        spiking: such patterns, separated by commas, as `--spiking` takes them.
    Errors: PsubenchError with the nearest known name, or with the range of the parameter.
    """
    whole, patterns = _patterns(text, spiking)
    whole = candidates.resolve(whole)
    called, at, word = whole.rpartition("@") if whole.endswith(f"@{STEP}") else (whole, "", "")
    kind, given = plugins.parse_call(called)
    if kind.endswith(f"@{STEP}") and not at:
        kind, word = kind.removesuffix(f"@{STEP}"), STEP
    if ":" in kind:
        _check_plugin(kind, text)
        parameters = given
    elif kind in TABLE and not word and not patterns:
        parameters = _checked(TABLE[kind], given)
    elif kind in TABLE:
        what = f"@{STEP}" if word else "--spiking"
        remedy = f"leave {what} out" + (", or give --mode step" if word else "")
        raise PsubenchError(f'"{text}": {what} is of plug-ins, and {kind} is built in', remedy)
    else:
        what = f'unknown model "{kind}"' if kind else f'"{text}" does not name a model'
        raise PsubenchError(what, nearest(kind, ["neuron", *TABLE]))
    pairs = tuple(sorted(parameters.items()))
    name = plugins.show_call(kind, pairs) + (f"@{STEP}" if word else "")
    return ModelRef(name + (f"[{','.join(patterns)}]" if patterns else ""), kind, pairs, bool(word), patterns)


def _patterns(text: str, more: str | None) -> tuple[str, tuple[str, ...]]:
    """The text without its brackets, and the patterns in them and in `more`."""
    text = text.strip()
    where, colon, rest = text.rpartition(":")
    rest, bracket, inside = rest.partition("[")
    how = "write for example --spiking 'layer*.lif'"
    if bracket and not (colon and inside.endswith("]")):
        raise PsubenchError(f'"{text}": brackets hold the names of spiking layers of a plug-in', how)
    found = plugins.split_list(inside[:-1]) if bracket else []
    found += plugins.split_list(more) if more is not None else []
    if "" in found:
        raise PsubenchError(f'--spiking "{more or inside[:-1]}" holds an empty pattern', how)
    if bad := next((one for one in found if set(one) & set("@(): ")), None):
        raise PsubenchError(f'--spiking "{bad}" is not a pattern of names', how)
    return where + colon + rest.strip(), tuple(dict.fromkeys(found))


def _check_plugin(kind: str, text: str) -> None:
    """Raises PsubenchError if a plug-in is not named as one, or its file is not there."""
    where, _, attribute = kind.rpartition(":")
    if "@" in attribute:
        raise PsubenchError(f'"{text}": a network is called at once, or @{STEP}', f"write {where}:Net@{STEP}")
    if not where.strip() or not attribute.isidentifier():
        raise PsubenchError(
            f'"{text}" names no plug-in', "write package.module:attribute or path/file.py:attribute"
        )
    plugins.check_exists(kind)


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
