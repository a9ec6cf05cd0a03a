"""What is to be run: ranges, cases, and the blocks in which cases are measured side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

from psubench.errors import PsubenchError
from psubench.neurons import NeuronRef
from psubench.record import case_key

_PIECE = re.compile(r"(\d+)(?:\.\.(\d+)(?:([+x])(\d+))?)?", re.ASCII)
_MOST_VALUES = 1000
PHASES = ("infer", "train")
DTYPES = ("float32", "float64", "bfloat16")


def parse_range(text: str, option: str) -> list[int]:
    """Positive integers of a range, ascending and without repetition.

    `4..128` doubles, `4..128+4` adds, `4..128x4` multiplies, `4,10,32` lists, and pieces mix with
    commas. The end is always included: `4..100` is 4, 8, 16, 32, 64, 100.

    Args:
        text: what the user wrote.
        option: the option it was written for, named in errors.
    """
    values: set[int] = set()
    for piece in text.split(","):
        values.update(_piece(piece.strip(), text, option))
    return sorted(values)


def _piece(piece: str, text: str, option: str) -> list[int]:
    example = f"write for example {option} 4..128, {option} 4..128+4 or {option} 4,10,32"
    match = _PIECE.fullmatch(piece)
    if match is None:
        raise PsubenchError(f'{option} "{text}": "{piece}" is no positive integer and no range', example)
    first, last = int(match[1]), int(match[2] or match[1])
    sign, step = match[3] or "x", int(match[4] or 2)
    if first < 1:
        raise PsubenchError(f'{option} "{text}" holds {first}, and values begin at 1', example)
    if last < first:
        raise PsubenchError(f'{option} "{text}" runs backwards from {first} to {last}', example)
    if step < (2 if sign == "x" else 1):
        raise PsubenchError(f'{option} "{text}": {sign}{step} never reaches {last}', example)
    values = []
    while first < last:
        values.append(first)
        first = first * step if sign == "x" else first + step
        if len(values) >= _MOST_VALUES:
            raise PsubenchError(f'{option} "{text}" has more than {_MOST_VALUES} values', "take larger steps")
    return [*values, last]


@dataclass(frozen=True)
class Case:
    """One thing that is run. Everything but `neuron` and `implementation` names its block."""

    kind: str
    neuron: str
    implementation: str
    model: str
    data: str
    T: int
    batch: int
    size: int
    device: str
    dtype: str
    phase: str
    mode: str
    threads: int

    def canonical(self) -> dict[str, Any]:
        """Fields and values as the record holds them."""
        return asdict(self)

    @property
    def key(self) -> str:
        """Names the case in the record."""
        return case_key(self.canonical())

    @property
    def block(self) -> Case:
        """The same case without its neuron: equal for all cases of a block."""
        return replace(self, neuron="", implementation="")


@dataclass(frozen=True)
class Entry:
    """A case and the neuron that it measures."""

    case: Case
    ref: NeuronRef


@dataclass(frozen=True)
class Block:
    """Cases that differ in their neuron only, measured interleaved; the reference comes first."""

    entries: tuple[Entry, ...]

    @property
    def case(self) -> Case:
        """What the entries share."""
        return self.entries[0].case.block

    @property
    def title(self) -> str:
        """One short line that tells this block from the others of a run."""
        case = self.case
        return f"{case.phase} T={case.T} batch={case.batch} size={case.size} {case.dtype}"


def blocks(
    neurons: Sequence[NeuronRef],
    reference: NeuronRef,
    Ts: Iterable[int],
    batches: Iterable[int],
    sizes: Iterable[int],
    phases: Iterable[str],
    **shared: Any,
) -> list[Block]:
    """Every combination of the axes; the reference is added where `neurons` lacks it.

    Args:
        shared: the remaining fields of `Case`, equal for all.
    """
    refs = [reference, *(ref for ref in neurons if ref != reference)]
    made = []
    for phase, T, batch, size in product(phases, Ts, batches, sizes):
        cases = (
            Case(
                neuron=ref.name, implementation=ref.implementation,
                T=T, batch=batch, size=size, phase=phase, **shared,
            )
            for ref in refs
        )  # fmt: skip
        made.append(Block(tuple(Entry(case, ref) for case, ref in zip(cases, refs, strict=True))))
    return made
