"""Names of neurons as papers write them: PSU, masked PSN, PSU (scan)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from psubench.neurons.table import TABLE

Named = Callable[[str], str]
"""What gives a label the name that is shown."""
_NAMES = ("label", "reference")


def written(label: str) -> str:
    """A label with the name that papers have for its built-in neuron; that of a plug-in stays as it is."""
    name = re.match(r"[\w-]*", label)
    spec = TABLE.get(name[0]) if name else None
    if spec is None or label[len(spec.name) :][:1] not in ("", "@", "(", " "):
        return label
    rest = re.sub(r"@([\w-]+)", r" (\1)", label[len(spec.name) :])
    return (spec.written or spec.name.upper()) + rest


def renamed(found: Sequence[Any], named: Named = written) -> list[Any]:
    """Rows or cases whose neurons, and those that they are compared with, have other names."""
    return [
        replace(one, **{name: named(getattr(one, name)) for name in _NAMES if hasattr(one, name)})
        for one in found
    ]
