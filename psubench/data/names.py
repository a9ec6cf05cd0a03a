"""Data sets by their names on the command line. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psubench import plugins
from psubench.data.spec import DataSpec
from psubench.data.table import TABLE
from psubench.errors import PsubenchError, nearest
from psubench.plugins import Value


@dataclass(frozen=True)
class DataRef:
    """A data set as the user named it.

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
    if kind in TABLE:  # before plug-ins: "synthetic:shd" has a colon too
        parameters = _checked(TABLE[kind], given)
    elif ":" in kind and not kind.startswith("synthetic:"):
        plugins.check_exists(kind)
        parameters = given
    else:
        what = f'unknown data set "{kind}"' if kind else f'"{text}" does not name a data set'
        raise PsubenchError(what, nearest(kind, TABLE))
    pairs = tuple(sorted(parameters.items()))
    return DataRef(plugins.show_call(kind, pairs), kind, pairs)


def _checked(spec: DataSpec, given: Mapping[str, Value]) -> dict[str, Value]:
    """The given parameters, without those that equal the defaults."""
    differ: dict[str, Value] = {}
    for key, value in given.items():
        if key not in spec.parameters:
            known = nearest(key, spec.parameters) if spec.parameters else "it has none"
            raise PsubenchError(f'data set "{spec.name}" has no parameter "{key}"', known)
        checked = _switch(value) if key not in spec.ranges else _number(value, *spec.ranges[key])
        if checked is None:
            allowed = "true or false"
            if key in spec.ranges:
                low, high = spec.ranges[key]
                allowed = f"a number from {low:g} to {high:g}"
            raise PsubenchError(
                f'data set "{spec.name}": {key}={plugins.show_value(value)}', f"{key} is {allowed}"
            )
        if checked != spec.parameters[key]:
            differ[key] = checked
    return differ


def _switch(value: Value) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Value, low: float, high: float) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return None
    return int(value) if value == int(value) else value  # 2.0 as 2: one name for one thing
