"""What is found of two sides before any clock: the work of all cases, then instructions where it differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from psubench.compare.evidence import Evidence, summary
from psubench.compare.git import instructions
from psubench.compare.git.side import OutOfTimeError, Words, at_once
from psubench.compare.pairing import match
from psubench.compare.work import Counts, is_countable, is_identical
from psubench.errors import number_of
from psubench.measure.job import Job
from psubench.records import jsonl
from psubench.records import recorder as records_recorder
from psubench.records.fingerprint import Fingerprints
from psubench.records.run import Run
from psubench.records.structs import Record

if TYPE_CHECKING:
    from psubench.compare.git.ab_run import AbRun


class Untimed(NamedTuple):
    """What was found.

    Attributes:
        left: the cases of the new side that time has to decide on; None if all of them, known or not.
        counts: instructions of the cases whose fingerprints differ.
        notes: what could not be counted, in sentences.
    """

    left: Sequence[Evidence] | None
    counts: Counts
    notes: tuple[str, ...] = ()


def without_clock(run: AbRun, tables: Sequence[Words], shared: Path, deadline: float) -> Untimed:
    """Counts the work of both sides and records it.

    Args:
        tables: of the suite, with their reference.
        shared: a folder that is removed with both sides.
    """
    unknown = Untimed(None, Counts({}, run.work_margin))
    if not run.counting:
        return unknown
    if run.base.python != run.new.python:
        run.say("each side has packages of its own: equal work need not take equal time, all is timed")
        return unknown
    (base, why_base), (new, why_new) = _fingerprints(run, tables, deadline)
    if base is None or new is None:
        run.say(f"the work could not be counted, so everything is timed: {why_base or why_new}")
        return unknown
    for name, records in (("base", base), ("new", new)):
        with records_recorder.Recorder(run.folder / name / jsonl.NAME) as recorder:
            for one in records:
                if isinstance(one, Run | Fingerprints):
                    recorder.append(one)
    sides, counts, notes = (summary(base), summary(new)), unknown.counts, tuple[str, ...]()
    found = match(*sides, run.margin, run.gate, turns=[range(0)], counts=counts)
    differ = [
        (b, n) for b, n in found.pairs.values() if b and n and is_countable(b, n) and not is_identical(b, n)
    ]
    if differ:
        run.say(f"the work of {number_of(len(differ), 'case')} differs: counting instructions")
        job = _job(new, [n for _, n in differ], tables[0]["reference"])
        counts, notes = _counted(run, job, shared, deadline)
        found = match(*sides, run.margin, run.gate, turns=[range(0)], counts=counts)
    left = found.pairs.keys() - found.decided.keys()
    if left:
        run.say(f"{number_of(len(found.decided), 'case')} decided by their work, {len(left)} to be timed")
    return Untimed(found.cases_of(left), counts, notes)


def _counted(run: AbRun, job: Job, shared: Path, deadline: float) -> tuple[Counts, tuple[str, ...]]:
    """The instructions of a job's cases, and why they are not known of some."""
    try:
        found, missing = instructions.count(run.base, run.new, job, shared, deadline)
    except OutOfTimeError:
        found, missing = {}, dict.fromkeys((key for key, *_ in job.entries), "--budget ended before")
    reasons = Counter(missing.values())
    told = (
        f"Instructions were not counted of {number_of(n, 'case')}, so time decides: {why}."
        for why, n in reasons.items()
    )
    return Counts(found, run.work_margin), tuple(told)


def _job(records: Sequence[Record], cases: Sequence[Evidence], reference: str) -> Job:
    """What the processes that count instructions are asked for: the same cases as a record has."""
    texts = {
        one.key: one.neuron for record in records if isinstance(record, Fingerprints) for one in record.cases
    }
    seed = next(record.seed for record in records if isinstance(record, Run)) or 0
    blocks = [{**one.case, "neuron": "", "implementation": "", "mode": ""} for one in cases]
    entries = [(one.key, one.key, texts[one.key], one.case["mode"]) for one in cases]
    return Job(
        probe="", case=blocks[0], entries=entries,
        reference=reference, process=0, seed=seed, precision=0.0, max_seconds=0.0, max_memory=0, cases=blocks,
    )  # fmt: skip


def _fingerprints(
    run: AbRun, tables: Sequence[Words], deadline: float
) -> list[tuple[list[Record] | None, str]]:
    """What `Side.count` gives for both, at once unless one might load C++ that the other has built."""
    sides = run.base, run.new
    with at_once(sides) as pool:
        begun = [pool.submit(side.count, tables, run.settings, run.device, deadline) for side in sides]
        return [one.result() for one in begun]
