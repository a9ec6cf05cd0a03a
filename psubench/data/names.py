"""THE table of data sets, and the way from the text of the command line to one of them. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from psubench import plugins
from psubench.errors import PsubenchError, nearest
from psubench.plugins import Value


@dataclass(frozen=True)
class DataSpec:
    """What psubench knows about one data set.

    Attributes:
        name: as the command line takes it.
        description: one line.
        shape: of the input as it comes: time steps and features.
        source: who made it, and where it is; "-" for made-up input.
        licence: of the data; "-" for made-up input.
        real: whether it was recorded. Its module then has `batches`, `note` and `active`; otherwise the
            module has a function of the data set's name.
        module: where its code is.
        parameters: names and defaults.
        ranges: smallest and largest value of each parameter.
    """

    name: str
    description: str
    shape: str
    source: str
    licence: str
    real: bool
    module: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)


_SPECS = (
    DataSpec(
        name="spoken-digits",
        description="3,000 recordings of the digits 0-9 by 6 speakers; 13 MFCC as ON and OFF spikes",
        shape="32 steps, 26 features",
        source="Free Spoken Digit Dataset, github.com/Jakobovski/free-spoken-digit-dataset",
        licence="CC BY-SA 4.0",
        real=True,
        module="psubench.data.spoken_digits",
    ),
    DataSpec(
        name="normal",
        description="noise: every current drawn from N(mu, 1), mu=1",
        shape="any",
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
        shape="any",
        source="-",
        licence="-",
        real=False,
        module="psubench.data.synthetic",
        parameters={"rate": 0.1},
        ranges={"rate": (0.0, 1.0)},
    ),
)

TABLE: Mapping[str, DataSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})


@dataclass(frozen=True)
class DataRef:
    """A data set as it was asked for.

    Attributes:
        name: canonical text, which `parse` reads back: "spikes(rate=0.2)"; defaults are left out.
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


def parse(text: str) -> DataRef:
    """The data set that `name[(key=value,...)]` names; imports nothing.

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
        what = f'unknown data set "{kind}"' if kind else f'"{text}" names no data set'
        raise PsubenchError(what, nearest(kind, TABLE))
    pairs = tuple(sorted(parameters.items()))
    return DataRef(plugins.show_call(kind, pairs), kind, pairs)


def _checked(spec: DataSpec, given: Mapping[str, Value]) -> dict[str, Value]:
    """The given parameters as numbers, without those that equal the defaults."""
    differ: dict[str, Value] = {}
    for key, value in given.items():
        if key not in spec.parameters:
            known = nearest(key, spec.parameters) if spec.parameters else "it has none"
            raise PsubenchError(f'data set "{spec.name}" has no parameter "{key}"', known)
        low, high = spec.ranges[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise PsubenchError(
                f'data set "{spec.name}": {key}={plugins.show_value(value)}',
                f"{key} is a number from {low:g} to {high:g}",
            )
        if value != spec.parameters[key]:
            differ[key] = int(value) if value == int(value) else value  # 2.0 as 2: one name for one thing
    return differ
