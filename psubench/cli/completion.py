"""Shell completion of option values: names from the tables, without importing torch."""

from __future__ import annotations

from collections.abc import Iterable


def neurons(incomplete: str) -> list[str]:
    """A list of neurons whose last name is not finished: `lif,ps` gives `lif,psn`, `lif,psu`."""
    from psubench.neurons import TABLE

    names = [f"{name}@{way}" for name, spec in TABLE.items() for way in spec.implementations]
    *before, last = incomplete.split(",")
    found = beginning([*TABLE, "all"], last) or beginning(names, last)
    return [",".join([*before, name]) for name in found]


def models(incomplete: str) -> list[str]:
    """Networks, and the one layer."""
    from psubench.models import TABLE

    return beginning(["neuron", *TABLE], incomplete)


def data(incomplete: str) -> list[str]:
    """Data sets."""
    from psubench.data import TABLE

    return beginning(TABLE, incomplete)


def beginning(names: Iterable[str], incomplete: str) -> list[str]:
    """The names with this prefix, in order."""
    return [name for name in names if name.startswith(incomplete)]
