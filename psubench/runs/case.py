"""What is to be run: ranges, cases, and the blocks in which cases are measured side by side."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

from psubench.errors import PsubenchError, nearest
from psubench.neurons import NeuronRef, has_step
from psubench.records.jsonl import case_key

_PIECE = re.compile(r"(\d+)(?:\.\.(\d+)(?:([+x])(\d+))?)?", re.ASCII)
_MOST_VALUES = 1000
_MOST_DIGITS = 9
PHASES = ("infer", "train")
MODES = ("layer", "step")
DTYPES = ("float32", "float64", "bfloat16")
LARGEST_SEED = 2**32 - 1
"""Largest seed that every random number generator accepts, including increments."""
MOST_CASES = 500
"""More cases are run only with --yes."""
MOST_PLANNED = 100_000
"""More cases are not even listed: no run would end, and a plan is kept in memory."""
CHECKPOINT = "checkpoint "
"""What the weights of a case begin with that come from a file."""
NEVER_EARLY = 1e-6
"""A precision that no block reaches, so that it uses all of its seconds, noisy or not."""


def parse_range(text: str, option: str) -> list[int]:
    """Positive integers of a range, ascending and without repetition.

    `4..128` doubles, `4..128+4` adds, `4..128x4` multiplies, `4,10,32` lists, and pieces mix with
    commas. The end is always included: `4..100` is 4, 8, 16, 32, 64, 100.

    Args:
        text: what the user wrote.
        option: the name of the option, for errors.
    """
    values: set[int] = set()
    for piece in text.split(","):
        values.update(_piece(piece.strip(), text, option))
        if len(values) > _MOST_VALUES:
            raise _too_many(text, option)
    return sorted(values)


def _too_many(text: str, option: str) -> PsubenchError:
    return PsubenchError(
        f'{option} "{text:.60}" has more than {_MOST_VALUES} values', "use larger steps or fewer values"
    )


def _piece(piece: str, text: str, option: str) -> list[int]:
    example = f"write for example {option} 4..128, {option} 4..128+4 or {option} 4,10,32"
    match = _PIECE.fullmatch(piece)
    if match is None:
        raise PsubenchError(
            f'{option} "{text}": "{piece}" is neither a positive integer nor a range', example
        )
    if max(len(digits or "") for digits in (match[1], match[2], match[4])) > _MOST_DIGITS:
        raise PsubenchError(
            f'{option} "{text:.60}" contains a number of more than {_MOST_DIGITS} digits', example
        )
    first, last = int(match[1]), int(match[2] or match[1])
    sign, step = match[3] or "x", int(match[4] or 2)
    if first < 1:
        raise PsubenchError(f'{option} "{text}" contains {first}, and values start at 1', example)
    if last < first:
        raise PsubenchError(f'{option} "{text}" runs backwards from {first} to {last}', example)
    if step < (2 if sign == "x" else 1):
        raise PsubenchError(f'{option} "{text}": {sign}{step} never reaches {last}', example)
    values = []
    while first < last:
        values.append(first)
        first = first * step if sign == "x" else first + step
        if len(values) >= _MOST_VALUES:
            raise _too_many(text, option)
    return [*values, last]


def choices(text: str, known: tuple[str, ...], option: str) -> list[str]:
    """The comma-separated names of an option, each one of `known`, in the order of `known`."""
    names = [choice(name.strip(), known, option) for name in text.split(",")]
    return [name for name in known if name in names]


def choice(name: str, known: tuple[str, ...], option: str) -> str:
    """The name given to an option, checked to be one of `known`."""
    if name not in known:
        raise PsubenchError(f'{option} "{name}" does not exist', nearest(name, known))
    return name


@dataclass(frozen=True)
class Case:
    """One thing that is run. Everything but `neuron`, `implementation` and `mode` names its block.

    Attributes:
        size: neurons of the one layer of model `neuron`; None for a network.
        mode: "layer" runs a network layer by layer, "step" the whole network step by step.
    """

    kind: str
    neuron: str
    implementation: str
    model: str
    data: str
    T: int
    batch: int
    size: int | None
    device: str
    dtype: str
    phase: str
    mode: str
    threads: int

    def canonical(self) -> dict[str, Any]:
        """Fields and values as in the record."""
        return asdict(self)

    @property
    def key(self) -> str:
        """Names the case in the record."""
        return case_key(self.canonical())

    @property
    def block(self) -> Case:
        """The same case without its neuron and mode: equal for all cases of a block."""
        return replace(self, neuron="", implementation="", mode="")


@dataclass(frozen=True)
class CountCase(Case):
    """One network with one neuron, whose operations are counted.

    Attributes:
        samples: how many are counted, in batches of `batch`.
        weights: "untrained", "checkpoint PATH", or "epochs N" if trained within the command.
        energy_model: as the user named it.
        first_layer, pooling: policies, see `psubench.sops.work`.
    """

    samples: int
    weights: str
    energy_model: str
    first_layer: str
    pooling: str


@dataclass(frozen=True)
class Entry:
    """A case and the neuron that it measures.

    Attributes:
        skip: why it is not run; None if it is.
    """

    case: Case
    ref: NeuronRef
    skip: str | None = None

    @property
    def text(self) -> str:
        """Name that is unique within its block."""
        return in_mode(self.ref.text, self.case.mode)

    @property
    def label(self) -> str:
        """Short name for tables and figures."""
        return in_mode(self.ref.label, self.case.mode)


def in_mode(name: str, mode: str) -> str:
    """`lif [step]` for a network that is run step by step; in layer mode the name alone."""
    return name if mode == "layer" else f"{name} [{mode}]"


@dataclass(frozen=True)
class Block:
    """Cases that differ in neuron and mode only, measured interleaved; the reference comes first."""

    entries: tuple[Entry, ...]

    @property
    def case(self) -> Case:
        """What the entries share."""
        return self.entries[0].case.block

    @property
    def title(self) -> str:
        """One short line that distinguishes this block from the others of a run."""
        case = self.case
        what = f"{case.model} on {case.data}" if case.size is None else f"size={case.size}"
        return f"{case.phase} T={case.T} batch={case.batch} {what} {case.dtype}"


def blocks(
    neurons: Sequence[NeuronRef],
    reference: NeuronRef,
    Ts: Sequence[int],
    batches: Sequence[int],
    sizes: Sequence[int | None],
    phases: Sequence[str],
    modes: Sequence[str],
    **shared: Any,
) -> list[Block]:
    """Every combination of the axes; the reference is added where `neurons` lacks it.

    Parallel neurons cannot run step by step and are measured layer by layer, whatever the modes are.

    Args:
        shared: the remaining fields of `Case`, equal for all.

    Raises:
        PsubenchError: more than `MOST_PLANNED` cases; they are counted before one is made.
    """
    refs = [reference, *(ref for ref in neurons if ref != reference)]
    each = sum(len(modes) if has_step(ref) else 1 for ref in refs)
    check_planned(each * math.prod(map(len, (phases, Ts, batches, sizes))))
    made = []
    for phase, T, batch, size in product(phases, Ts, batches, sizes):
        entries = []
        for ref in refs:
            for mode in modes if has_step(ref) else MODES[:1]:
                case = Case(
                    neuron=ref.name, implementation=ref.implementation,
                    T=T, batch=batch, size=size, phase=phase, mode=mode, **shared,
                )  # fmt: skip
                entries.append(Entry(case, ref))
        made.append(Block(tuple(entries)))
    return made


def check_planned(count: int) -> None:
    """Raises PsubenchError, before they are created, if `count` cases are more than `MOST_PLANNED`."""
    if count > MOST_PLANNED:
        raise PsubenchError(
            f"{count:,} cases are planned, more than {MOST_PLANNED:,}",
            "use fewer values of T, batch or size",
        )


def check_cases(count: int, *, yes: bool) -> None:
    """Raises PsubenchError for more cases than `MOST_CASES`, unless `yes` is set."""
    if count > MOST_CASES and not yes:
        raise PsubenchError(
            f"{count} cases are planned, more than {MOST_CASES}",
            "list them with --dry-run, use fewer, or add --yes",
        )
