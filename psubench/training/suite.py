"""Suites of trainings: neurons, seeds and recipes in one TOML file. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psubench.errors import PsubenchError
from psubench.suite import LARGEST_SEED
from psubench.training.recipe import Task, check_known, read, table_of

DEFAULT_NEURONS = ("lif", "psn", "psu", "ipsu", "rpsu")
DEFAULT_SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Suite:
    """What is trained: every neuron on every task from every seed."""

    tasks: Sequence[Task]
    neurons: Sequence[str] = DEFAULT_NEURONS
    seeds: Sequence[int] = DEFAULT_SEEDS


def read_suite(path: Path) -> Suite:
    """The suite in a TOML file: `recipes` (files, seen from its folder), `neurons` and `seeds`.

    Raises:
        PsubenchError: it or one of its recipes cannot be read, or holds something unknown.
    """
    table = table_of(path)
    check_known(table, ("recipes", "neurons", "seeds"), str(path))
    example = f'write for example recipes = ["cpu-spoken-digits.toml"] in {path}'
    recipes = _list(table.get("recipes"), str, f"{path}: recipes", example)
    neurons = _list(
        table.get("neurons", list(DEFAULT_NEURONS)), str, f"{path}: neurons", 'write neurons = ["lif", "psu"]'
    )
    seeds = _list(table.get("seeds", list(DEFAULT_SEEDS)), int, f"{path}: seeds", "write seeds = [0, 1, 2]")
    return Suite([read(path.parent / name) for name in recipes], neurons, seeds)


def _list(values: object, kind: type, where: str, example: str) -> list:  # type: ignore[type-arg]
    if not isinstance(values, list) or not values or not all(type(value) is kind for value in values):
        raise PsubenchError(f"{where} = {values!r} is no list of {kind.__name__}", example)
    if kind is int and not 0 <= min(values) <= max(values) <= LARGEST_SEED:
        raise PsubenchError(f"{where} = {values!r:.60}", f"seeds are whole numbers from 0 to {LARGEST_SEED}")
    return values
