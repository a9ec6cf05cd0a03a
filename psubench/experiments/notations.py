"""How the values of options are written: ranges, shares, sizes, names. They are parsed only here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from psubench.errors import PsubenchError
from psubench.experiments.option import Notation
from psubench.runs.case import LARGEST_SEED, choice, choices, parse_range

LEAST_MEMORY = 256 * 2**20
"""Least memory in bytes with which a worker can run: torch alone takes about as much."""
MOST_MEMORY = 2**63 - 1
_UNITS = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30, "": 1}
_MOST_SEEDS = 10_000


def share(text: str, option: str) -> float:
    """A fraction from `2%` or `0.02`."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise PsubenchError(
            f'{option} "{text}" is not a share between 0 and 1', f"write for example {option} 2%"
        )
    return value


def size_in_bytes(text: str, option: str) -> int:
    """Bytes from `4GiB`, `500MB` or a plain number."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-zA-Z]*)", text.strip(), re.ASCII)
    if match is None or match[2].lower() not in _UNITS:
        raise PsubenchError(f'{option} "{text}" is not a size', f"write for example {option} 4GiB")
    size = float(match[1]) * _UNITS[match[2].lower()]
    if not LEAST_MEMORY <= size <= MOST_MEMORY:
        raise PsubenchError(
            f'{option} "{text:.60}" is out of range', "give 256MiB, which a worker needs, to 8EiB"
        )
    return int(size)


def seeds(text: str, option: str) -> tuple[int, ...]:
    """Integers of a comma-separated list, without repetitions."""
    pieces = [piece.strip() for piece in text.split(",")]
    well = all(re.fullmatch(r"\d{1,10}", piece, re.ASCII) for piece in pieces)
    numbers = tuple(dict.fromkeys(int(piece) for piece in pieces)) if well else (-1,)
    if min(numbers) < 0 or max(numbers) > LARGEST_SEED or len(numbers) > _MOST_SEEDS:
        raise PsubenchError(
            f'{option} "{text:.60}" is not a list of integers from 0 to {LARGEST_SEED}',
            f"write for example {option} 0,1,2",
        )
    return numbers


def _listed(values: Iterable[object]) -> str:
    return ",".join(map(str, values))


def _choice_of(known: tuple[str, ...]) -> Notation:
    return Notation(lambda text, option: choice(text, known, option))


def _choices_of(known: tuple[str, ...]) -> Notation:
    return Notation(lambda text, option: tuple(choices(text, known, option)), _listed)


def _checked(check: Callable[[str], object]) -> Notation:
    """A name is kept as written, once `check` has accepted it."""

    def read(text: str, _: str) -> str:
        check(text)
        return text.strip()

    return Notation(read)


def _check_neurons(text: str) -> object:
    from psubench.neurons import parse_list

    return parse_list(text)


def _check_neuron(text: str) -> object:
    from psubench.neurons import parse

    return parse(text)


def _check_model(text: str) -> object:
    from psubench import models

    return text.strip() == "neuron" or models.parse(text)


def _check_data(text: str) -> object:
    from psubench import data

    return data.parse(text)


def _check_energy_model(text: str) -> object:
    from psubench.sops import energy_models

    return energy_models.parse(text)


def _existing(text: str, option: str) -> str:
    try:
        found = Path(text).exists()
    except (OSError, ValueError):  # too long, or a null byte
        found = False
    if not found:
        raise PsubenchError(f'{option} "{text:.200}" does not exist', "check the path")
    return text


NEURONS = _checked(_check_neurons)
NEURON = _checked(_check_neuron)
MODEL = _checked(_check_model)
DATA = _checked(_check_data)
ENERGY_MODEL = _checked(_check_energy_model)
PATH = Notation(_existing)
COUNTS = Notation(lambda text, option: tuple(parse_range(text, option)), _listed)
SEEDS = Notation(seeds, _listed)
SHARE = Notation(share, lambda value: f"{100 * value:g}%")
BYTES = Notation(size_in_bytes)


def counts_to(most: int) -> Notation:
    """A range whose values end at `most`."""

    def read(text: str, option: str) -> tuple[int, ...]:
        values = tuple(parse_range(text, option))
        if max(values) > most:
            raise PsubenchError(f'{option} "{text}" holds {max(values)}', f"values range from 1 to {most}")
        return values

    return Notation(read, _listed)


def one_of(known: Sequence[str]) -> Notation:
    """One of some names."""
    return _choice_of(tuple(known))


def some_of(known: Sequence[str]) -> Notation:
    """A list of some of them, in their order."""
    return _choices_of(tuple(known))
