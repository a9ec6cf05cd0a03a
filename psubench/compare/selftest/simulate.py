"""Verdicts on simulated times: the code that decides and plans is real, only the measuring is made up.

A neuron of four cases, slower by a known share, is compared as two finished records and as `compare --git`
does it after tier 0 has told its work apart. Its times scatter as those of equal code did in the records
named below; what two runs at different hours do not share is not simulated.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from psubench.compare.evidence import Evidence, Summary
from psubench.compare.gating import ALL
from psubench.compare.git.ab_run import AbRun
from psubench.compare.git.side import Side, Words
from psubench.compare.looks import LOOKS
from psubench.compare.verdicts import ORDER, Comparison, compare
from psubench.errors import REGRESSION
from psubench.records import jsonl
from psubench.records.rows import SimulatedRow
from psubench.records.run import Run
from psubench.runs.case import PHASES, Case

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

EFFECTS = (0.0, 0.03, 0.05, 0.1, 0.2)
PROCESSES = (3, 5, 8)
"""Of each of two finished records."""
_TABLE: Words = {"neurons": "lif", "T": "16,32", "batch": "4", "size": "64", "phase": ",".join(PHASES)}
_HEADER = Run(schema=jsonl.SCHEMA, run_id="simulated", cases=[], seed=0)


class Noise(NamedTuple):
    """How the log times of processes that run the same code scatter.

    Attributes:
        spreads: standard deviations between pairs of processes: the 5, 25, 50, 75 and 95 % quantiles over the
            cases of real records; each comparison draws one.
        shared: share of the variance that all cases of a process have in common.
        draw: numbers of variance 1, of a shape.
    """

    name: str
    spreads: Sequence[float]
    shared: float
    draw: Callable[[np.random.Generator, Sequence[int]], Numbers]


def _normal(rng: np.random.Generator, shape: Sequence[int]) -> Numbers:
    return rng.normal(size=shape)


def _heavy(rng: np.random.Generator, shape: Sequence[int]) -> Numbers:
    """Student's t of three degrees of freedom."""
    return rng.standard_t(3, shape) / math.sqrt(3)


def _bursts(rng: np.random.Generator, shape: Sequence[int]) -> Numbers:
    """A quarter of the processes is disturbed, and slower by an exponential time."""
    burst = math.sqrt((1 - QUIET[2] ** 2 / LOADED[2] ** 2) / (2 * 0.25 - 0.25**2))
    own = QUIET[2] / LOADED[2]
    return own * rng.normal(size=shape) + burst * (rng.random(shape) < 0.25) * rng.exponential(size=shape)


QUIET = (0.0096, 0.0145, 0.0177, 0.0233, 0.0325)
"""Of reports/selftest-power: two cores of a shared machine, nothing beside it."""
LOADED = (0.0176, 0.0322, 0.0517, 0.0924, 0.2260)
"""Of reports/selftest-aa-load-1 and -2: beside bursts of foreign work."""
NOISES = (
    Noise("normal", QUIET, 0.4, _normal),
    Noise("heavy tails", QUIET, 0.4, _heavy),
    Noise("disturbed", LOADED, 0.6, _bursts),
)


def rows(comparisons: int, seed: int) -> Iterator[SimulatedRow]:
    """The table, `comparisons` for each of its rows."""
    for noise, processes, slowdown in product(NOISES, (*PROCESSES, None), EFFECTS):
        yield row(noise, processes, slowdown, comparisons, seed)


def row(noise: Noise, processes: int | None, slowdown: float, comparisons: int, seed: int) -> SimulatedRow:
    """One row.

    Args:
        processes: of each of two finished records; None for `compare --git`.
    """
    import numpy as np

    rng = np.random.default_rng((seed, NOISES.index(noise), processes or 0, round(100 * slowdown)))
    drawn = _drawn(rng, noise, slowdown, comparisons, processes or sum(LOOKS))
    found = [_compared(one, processes) for one in drawn.tolist()]
    return _row(processes, noise.name, slowdown, found)


def _drawn(rng: np.random.Generator, noise: Noise, slowdown: float, comparisons: int, count: int) -> Numbers:
    """log(t_reference / t_case) [comparisons, sides, cases, processes]."""
    import numpy as np

    shape = (comparisons, 2, len(CASES), count)
    own, together = noise.draw(rng, shape), noise.draw(rng, (comparisons, 2, 1, count))
    unit = math.sqrt(noise.shared) * together + math.sqrt(1 - noise.shared) * own
    spread = rng.choice(noise.spreads, (comparisons, 1, 1, 1)) / math.sqrt(2)  # a pair has two processes
    slower = np.array([0.0, math.log1p(slowdown)]).reshape(1, 2, 1, 1)
    numbers: Numbers = -spread * unit - slower
    return numbers


def _compared(numbers: list[list[list[float]]], processes: int | None) -> tuple[Comparison, int]:
    """Verdicts on one draw, and the processes per side that they took."""
    if processes:
        base, new = (_summary(side, dict.fromkeys(CASES, range(processes))) for side in numbers)
        return compare(base, new), processes
    run = Simulated(
        _SIDE, _SIDE, [_TABLE], {}, "cpu", _SIDE.folder, _BUDGET, None, ALL, 0, lambda _: None,
        counting=False, numbers=numbers,
    )  # fmt: skip
    return run.run(), max(each.stop for each in run.known.values())


def _row(
    records: int | None, noise: str, slowdown: float, found: Sequence[tuple[Comparison, int]]
) -> SimulatedRow:
    words = [verdict.verdict for comparison, _ in found for verdict in comparison.verdicts]
    share = {word: words.count(word) / len(words) for word in ORDER}
    return SimulatedRow(
        records=records,
        noise=noise,
        slowdown=slowdown,
        comparisons=len(found),
        processes=sum(count for _, count in found) / len(found),
        same=share["same"],
        slower=share["slower"],
        unclear=share["unclear"],
        faster=share["faster"],
        exit_1=sum(one.exit_code(strict=False) == REGRESSION for one, _ in found) / len(found),
    )


def _cases() -> dict[str, Case]:
    made = [
        Case(
            kind="speed", neuron="lif", implementation="loop", model="neuron", data="normal", T=T, batch=4,
            size=64, device="cpu", dtype="float32", phase=phase, mode="layer", threads=1,
        )
        for T, phase in product((16, 32), PHASES)
    ]  # fmt: skip
    return {one.key: one for one in made}


CASES = _cases()
_PLAIN = {key: case.canonical() for key, case in CASES.items()}


def _summary(numbers: list[list[float]], known: dict[str, range]) -> Summary:
    """What a record with these processes of every case is compared by."""
    found = {}
    for (key, case), values in zip(_PLAIN.items(), numbers, strict=True):
        ratio = dict(zip(known[key], values, strict=False))
        found[key] = Evidence(
            key, case, "lif", "fixed work", "ok", None, {}, ratio, ratio, dict.fromkeys(ratio, 0.0)
        )
    return Summary(_HEADER, found)


_SIDE, _BUDGET = Side("simulated", Path(sys.executable), Path("simulated")), 1e6


@dataclass(frozen=True)
class Simulated(AbRun):
    """A comparison whose processes take no time.

    Attributes:
        numbers: as `_drawn` gives them for one comparison.
        known: by key the processes that were measured.
    """

    numbers: list[list[list[float]]] = field(default_factory=list)
    known: dict[str, range] = field(default_factory=lambda: dict.fromkeys(CASES, range(0)))

    def _tables(self) -> Sequence[Words]:
        return self.tables

    def _measure(
        self,
        tables: Sequence[Words],
        processes: range,
        rng: random.Random,  # noqa: ARG002
        deadline: float,  # noqa: ARG002
    ) -> range:
        for table in tables:
            for key, case in CASES.items():
                if str(case.T) in table["T"].split(",") and case.phase in table["phase"].split(","):
                    self.known[key] = range(processes.stop)
        return processes

    def _summaries(self) -> tuple[Summary, Summary]:
        base, new = (_summary(side, self.known) for side in self.numbers)
        return base, new
