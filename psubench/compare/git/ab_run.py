"""Two sides measured in one job on one machine: fresh processes in a random ABBA order, in planned looks."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from msgspec import structs

from psubench.compare import work
from psubench.compare.evidence import Evidence, Summary, summary
from psubench.compare.gating import case_name
from psubench.compare.git.side import OutOfTimeError, Side, Words
from psubench.compare.git.untimed import Untimed, without_clock
from psubench.compare.looks import LOOKS, NO_LOOK, Look, begun, far, sizes, suspects
from psubench.compare.pairing import Match, match
from psubench.compare.verdicts import Comparison, compare
from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.neurons import parse_list
from psubench.neurons.names import PLUGIN
from psubench.records import jsonl
from psubench.records import recorder as records_recorder
from psubench.records.measured import Block
from psubench.records.run import Run
from psubench.records.structs import Record
from psubench.runs.case import NEVER_EARLY, parse_range
from psubench.runs.preflight import CHECKED

FIXED_WORK = "fixed_work.py"
STEP_BY_STEP = frozenset({"loop", "scan"})
"""Implementations with a call or more per step: next to them the fixed work may take as long."""
LEAST = 6
"""Fewest processes per side for which a further look is started."""
FEW = 4
"""Processes per side for a further look at cases far beyond the margin when time is too short for more."""
ENDING_SECONDS, ENDING_SHARE = 8.0, 0.15
"""What is kept of a budget, at most, for ending a side, removing both and telling what was found."""
NEVER = f"{100 * NEVER_EARLY:g}%"
"""`NEVER_EARLY` as written in a suite: all blocks use all of their seconds, noisy or not."""


@dataclass(frozen=True)
class AbRun:
    """Measures both sides until every case is decided, or the looks or the time are used up.

    Attributes:
        base, new: the sides; their folders have a common parent.
        tables: of the suite that is measured.
        settings: of the suite; its processes and its precision are ignored.
        folder: gets `base/run.jsonl` and `new/run.jsonl`.
        budget: seconds, of which the last few are kept for ending; a look that would not end in time is
            cut short. Its number of processes depends on time, never on results, so its level holds.
        margin, gate: as for `compare`.
        say: called with a sentence about the progress.
        began: time of `time.monotonic` from which the budget counts.
        counting: whether only cases are timed whose work does not decide; else everything is.
        work_margin: share of instructions more from which on a case does more work.
    """

    base: Side
    new: Side
    tables: Sequence[Words]
    settings: Mapping[str, Any]
    device: str
    folder: Path
    budget: float
    margin: float | None
    gate: Sequence[str]
    seed: int
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    counting: bool = True
    work_margin: float = work.MARGIN

    def run(self) -> Comparison:
        """Takes the looks and gives the verdicts.

        Raises:
            PsubenchError: a side cannot be measured at all, or not within the budget.
        """
        try:
            tables = self._tables()
            untimed = without_clock(self, tables, self._shared, self._deadline)
            looks, out_of_time = self._looks(tables, untimed)
            found = compare(
                *self._summaries(), self.margin, self.gate, looks,
                counts=untimed.counts, out_of_time=out_of_time,
            )  # fmt: skip
        except OutOfTimeError:
            raise PsubenchError(
                f"--budget {self.budget:g} ended before anything was known of both sides",
                "give more seconds with --budget",
                NOT_COMPARABLE,
            ) from None
        late = f"--budget ended after {self.budget:g} s: what it left unclear may be slower."
        return replace(found, notes=(*found.notes, *untimed.notes, *[late] * out_of_time))

    def _tables(self) -> Sequence[Words]:
        """What is measured: the suite with the fixed work, by which the times of both sides are divided."""
        return with_fixed_work(self.tables, self.base.folder, self._shared)

    @property
    def _deadline(self) -> float:
        """When to end, by `time.monotonic`."""
        return self.began + self.budget - min(ENDING_SECONDS, ENDING_SHARE * self.budget)

    def _looks(self, tables: Sequence[Words], untimed: Untimed) -> tuple[list[Look], bool]:
        """What was measured to decide on, and whether time was lacking for more."""
        deadline, rng = self._deadline, random.Random(self.seed)
        keys, looks = frozenset[str](), list[Look]()
        measured = tables if untimed.left is None else again(tables, untimed.left)
        if not measured:
            return [NO_LOOK], False
        processes, out_of_time = range(LOOKS[0]), False
        while True:
            self.say(f"look {_taken(looks) + 1}: {len(processes)} processes per side")
            look_began = time.monotonic()
            whole = self._measure(measured, processes, rng, deadline)
            is_cut, processes = len(whole) < len(processes), whole
            turns = [*(look.processes for look in looks), processes]
            found = match(
                *self._summaries(), self.margin, self.gate, turns=turns, counts=untimed.counts
            )  # fmt: skip
            looks = [*(looks or begun(found.tested)), Look(processes, keys or frozenset(found.tested))]
            keys = suspects(found.tested, found.rule, looks)
            if is_cut or not keys:
                return looks, out_of_time or is_cut
            each = (time.monotonic() - look_began) / len(processes)
            count, keys = self._next(found, looks, keys, deadline - time.monotonic(), each)
            out_of_time = count < min(LEAST, sizes(looks)[len(looks)])
            if not count:
                return looks, out_of_time
            left = [pair[1] for key, pair in found.tested.items() if key in keys]
            self.say(f"not cleared yet: {', '.join(case_name(one.label, one.case) for one in left)}")
            measured = again(tables, found.cases_of(keys))
            processes = range(processes.stop, processes.stop + count)

    def _next(
        self, found: Match, looks: Sequence[Look], keys: frozenset[str], seconds: float, each: float
    ) -> tuple[int, frozenset[str]]:
        """Processes per side of the next look, 0 if too little time is left, and the keys of its cases.

        Cases that the first look found far beyond the margin are always measured again: a few processes are
        enough for so large an effect, and a lack of time must not let it pass.
        """
        count = size(sizes(looks)[len(looks)], seconds, each)
        if count or _taken(looks) > 1:
            return count, keys
        self.say("the next look would take longer than --budget allows")
        large = keys & far(found.tested, found.rule, looks)
        return (FEW, large) if large else (0, keys)

    @property
    def _shared(self) -> Path:
        """The folder that contains both sides."""
        return Path(os.path.commonpath([self.base.folder, self.new.folder]))

    def _summaries(self) -> tuple[Summary, Summary]:
        paths = [self.folder / name / jsonl.NAME for name in ("base", "new")]
        if not all(map(jsonl.begun, paths)):
            raise OutOfTimeError
        base, new = (summary(jsonl.read(path)) for path in paths)
        return base, new

    def _measure(
        self, tables: Sequence[Words], processes: range, rng: random.Random, deadline: float
    ) -> range:
        """Both sides once per process; two processes make an ABBA or a BAAB block, so drift cancels.

        Returns:
            The processes that were measured on both sides before the deadline.
        """
        order = [("base", self.base), ("new", self.new)]
        for process in processes:
            if process % 2 == 0:
                rng.shuffle(order)
            else:
                order.reverse()
            for name, side in order:
                try:
                    records = self._once(side, tables, process, deadline)
                except OutOfTimeError:
                    return range(processes.start, process)
                with records_recorder.Recorder(self.folder / name / jsonl.NAME) as recorder:
                    for one in records:
                        recorder.append(one)
        return processes

    def _once(self, side: Side, tables: Sequence[Words], process: int, deadline: float) -> list[Record]:
        """The records of one fresh process of a side; the plan only the first time."""
        planned = jsonl.begun(self.folder / side.name / jsonl.NAME)
        if planned:
            side = replace(side, variables={**side.variables, CHECKED: "1"})
        settings = {**self.settings, "processes": 1, "precision": NEVER, "memory": False}
        records = side.measure(tables, settings, self.device, deadline)
        first = process == 0 and not planned
        return [
            structs.replace(one, process=process) if isinstance(one, Block) else one
            for one in records
            if isinstance(one, Block) or (first and isinstance(one, Run))
        ]


def _taken(looks: Sequence[Look]) -> int:
    return sum(look is not NO_LOOK for look in looks)


def size(planned: int, seconds: float, each: float) -> int:
    """Processes per side of a look, in whole ABBA blocks; 0 if it is not worthwhile.

    Args:
        planned: the most.
        seconds: left of the budget.
        each: seconds that a process of both sides takes.
    """
    count = min(planned, int(seconds / each) // 2 * 2)
    return count if count >= min(LEAST, planned) else 0


def with_fixed_work(tables: Sequence[Words], folder: Path, shared: Path) -> list[Words]:
    """The tables with the fixed work as reference, as every side names it: their folders are equally deep.

    Args:
        folder: of a side.
        shared: the folder above it that the fixed work is copied into.
    """
    shutil.copy(Path(__file__).with_name(FIXED_WORK), shared / FIXED_WORK)
    path = os.path.relpath(shared / FIXED_WORK, folder)
    return [{**table, "reference": f"{path}:{fixed_work(table)}"} for table in tables]


def fixed_work(table: Words) -> str:
    """Class of the fixed work for a table's neurons: the one that takes about as long as they do."""
    known = {ref.implementation for ref in parse_list(table["neurons"])} - {PLUGIN}
    quick = known and not known & STEP_BY_STEP
    return "Products" if quick else "Loop"


def again(tables: Sequence[Words], cases: Sequence[Evidence]) -> list[Words]:
    """The tables that measure these cases again, side by side with as few others as a grid allows."""
    listed = [{(ref.name, ref.implementation) for ref in parse_list(table["neurons"])} for table in tables]
    smaller: list[Words] = []
    for table, neurons in zip(tables, listed, strict=True):
        ours = [one for one in cases if (one.case["neuron"], one.case["implementation"]) in neurons]
        ours = [one for one in ours if _is_within(one, table)]
        if ours:
            axes = {axis: _values(ours, axis) for axis in ("T", "phase", "batch", "size", "mode")}
            known = {axis: values for axis, values in axes.items() if values}
            smaller.append({**table, **known, "neurons": ",".join(sorted({_neuron(one) for one in ours}))})
    return smaller


def _is_within(one: Evidence, table: Words) -> bool:
    """Whether a case of a table's neurons has one of its T, batches, sizes and phases."""
    ranges = {axis: table[axis] for axis in ("T", "batch", "size") if one.case[axis] and axis in table}
    phases = [phase.strip() for phase in table.get("phase", one.case["phase"]).split(",")]
    return one.case["phase"] in phases and all(
        one.case[axis] in parse_range(text, axis) for axis, text in ranges.items()
    )


def _values(cases: Sequence[Evidence], axis: str) -> str:
    """The values of an axis as a suite takes them; empty if it has none."""
    found = {one.case[axis] for one in cases} - {None}
    return ",".join(map(str, sorted(found)))


def _neuron(one: Evidence) -> str:
    """The case's neuron as `--neurons` takes it."""
    name, implementation = one.case["neuron"], one.case["implementation"]
    return str(name) if implementation == PLUGIN else f"{name}@{implementation}"
