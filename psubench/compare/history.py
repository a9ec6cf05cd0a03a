"""Records in order, or the work of commits in order: a row per case and place, and what has changed there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from psubench.compare.evidence import Evidence, Summary, summary
from psubench.compare.verdicts import ORDER as VERDICTS
from psubench.compare.verdicts import Comparison, Verdict, compare
from psubench.compare.work import is_identical
from psubench.errors import PsubenchError
from psubench.records.bounds import AboveZero, Count, Positive
from psubench.records.paired import ratios, trials
from psubench.records.run import Run
from psubench.records.structs import Record

OTHER_WORK = "other work"
NOT_COUNTED = "not counted"
FIRST = "first"
_UNCLEAR = VERDICTS.index("unclear")
ORDER = (*VERDICTS[:_UNCLEAR], NOT_COUNTED, OTHER_WORK, *VERDICTS[_UNCLEAR:], FIRST)
"""Verdicts on a case against the place before, worst first."""
_QUIET = ("missing", "unclear", "new", "same", "same work", "identical", FIRST)
"""Verdicts that mark nothing: nothing is known to have changed."""
AXES = ("phase", "T", "batch", "size", "model", "data", "dtype", "mode", "threads")
_COUNTS = ("operators", "allocations", "allocated_bytes", "peak_bytes", "functions", "bytecodes")
_HARDWARE = ("architecture", "cpu", "cpu_capability", "physical_cores", "logical_cores")


class HistoryRow(Struct, kw_only=True, frozen=True):
    """A case at one place of the history; of a place without a record, one row without a case.

    Attributes:
        since: id of the place that it is compared with.
        change, low, high: relative change of its time since then, with a 90 % interval.
        work: what has changed in its work, in words; null if nothing has.
    """

    at: Annotated[str, Meta(description="hash of the commit, or id of the run")]
    date: Annotated[str | None, Meta(description="ISO 8601")]
    title: Annotated[str, Meta(description="subject of the commit, or name of the run's folder")]
    machine: Annotated[str, Meta(description="kind of machine: rows of different ones are never compared")]
    verdict: str
    since: str | None = None
    key: str | None = None
    label: str | None = None
    phase: str | None = None
    T: Positive | None = None
    batch: Positive | None = None
    size: Positive | None = None
    model: str | None = None
    data: str | None = None
    dtype: str | None = None
    mode: str | None = None
    threads: Positive | None = None
    reference: Annotated[str | None, Meta(description="null where no time was taken")] = None
    ratio: Annotated[AboveZero | None, Meta(description="t_reference / t_neuron with a 95 % interval")] = None
    ratio_low: AboveZero | None = None
    ratio_high: AboveZero | None = None
    operators: Annotated[Count | None, Meta(description="of one call")] = None
    bytecodes: Count | None = None
    allocated_bytes: Count | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    work: str | None = None
    reason: str | None = None

    @property
    def marked(self) -> bool:
        """Whether something has changed here."""
        return self.verdict not in _QUIET or self.work is not None


@dataclass(frozen=True)
class Place:
    """What one record says.

    Attributes:
        at: id of the run, or hash of the commit.
        machine: kind of machine that it was made on.
        found: the summary that is compared; None if there is no record, and then `reason` says why.
        ratios: of each case that was timed, as `paired.ratios` gives them.
        needed: what must be equal for equal work to mean equal time, beside what a record says of it.
    """

    at: str
    date: str | None
    title: str
    machine: str
    found: Summary | None
    reason: str = ""
    ratios: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    needed: Mapping[str, Any] = field(default_factory=dict)


def place(records: Sequence[Record], title: str) -> Place:
    """The place of a run."""
    header = next(one for one in records if isinstance(one, Run))
    _, tried = trials(records)
    times = {
        key: ratios(good)
        for key, of_case in tried.items()
        if (good := [one for one in of_case.values() if one.outcome.status == "ok"])
    }
    return Place(
        header.run_id, header.started, title, kind_of_machine(header), summary(records), ratios=times
    )


def kind_of_machine(header: Run) -> str:
    """Processor, cores and device in words: records of different kinds never share a line."""
    known = header.environment
    facts = {name: known.get(name) for name in _HARDWARE}
    cores = f"{facts.pop('physical_cores')} cores, {facts.pop('logical_cores')} logical".replace("None", "?")
    device = known.get("device")
    name = device.get("name") if isinstance(device, Mapping) else device
    told = [str(name or "?"), *(str(fact) for fact in facts.values() if fact is not None), cores]
    return ", ".join([*told, *["virtual"] * bool(known.get("virtual"))])


def rows(places: Sequence[Place]) -> list[HistoryRow]:
    """Every place in order; each case is compared with the last that has it on the same kind of machine."""
    last: dict[tuple[str, str, str | None], Place] = {}
    found = []
    for here in places:
        if here.found is None:
            found.append(
                HistoryRow(
                    at=here.at, date=here.date, title=here.title, machine=here.machine,
                    verdict=NOT_COUNTED, reason=here.reason,
                )
            )  # fmt: skip
            continue
        told: dict[str, Mapping[str, Verdict] | str] = {}
        for key, one in here.found.cases.items():
            if one.status == "skipped":
                continue
            line = here.machine, key, one.reference
            before = last.get(line)
            if before is not None and before.at not in told:
                told[before.at] = _verdicts(before, here)
            found.append(_row(here, one, before, told[before.at] if before is not None else {}))
            if one.status == "ok":
                last[line] = here
    return found


def _verdicts(before: Place, here: Place) -> Mapping[str, Verdict] | str:
    """By case the verdict on a place against an earlier one, or why there is none."""
    assert before.found is not None
    assert here.found is not None
    try:
        return {one.key: one for one in compare(before.found, here.found).verdicts}
    except PsubenchError as error:  # another seed
        return error.what


def _row(here: Place, one: Evidence, before: Place | None, told: Mapping[str, Verdict] | str) -> HistoryRow:
    work, case = one.work, one.case
    known: dict[str, Any] = {name: case.get(name) for name in AXES}
    assert here.found is not None
    by = here.found.cases[one.reference].label if one.log_ratio and one.reference else None
    times = {} if one.is_reference else here.ratios.get(one.key, {})
    return HistoryRow(
        at=here.at, date=here.date, title=here.title, machine=here.machine, key=one.key, label=one.label,
        reference=by, **known, **_ratio(times),
        operators=sum(work.operators.values()) if work else None,
        bytecodes=work.bytecodes if work else None,
        allocated_bytes=work.allocated_bytes if work else None,
        **_since(here, one, before, told),
    )  # fmt: skip


def _ratio(times: Mapping[str, Any]) -> dict[str, Any]:
    return {name: times.get(name) for name in ("ratio", "ratio_low", "ratio_high")}


def _since(
    here: Place, one: Evidence, before: Place | None, told: Mapping[str, Verdict] | str
) -> dict[str, Any]:
    """The fields of a row that say what has changed."""
    if before is None or before.found is None:
        bad = one.status != "ok"
        return {"verdict": "failed", "reason": f"{one.status}: {one.message}"} if bad else {"verdict": FIRST}
    if isinstance(told, str):
        return {"verdict": "unclear", "since": before.at, "reason": told}
    verdict, other = told[one.key], does_other_work(before.found.cases[one.key], one)
    word, reason = verdict.verdict, verdict.reason
    if word == "identical" and before.needed != here.needed:
        word, reason = "unclear", "it needs other packages than before; the work was counted with those here"
    elif word == "unclear" and verdict.change is None:
        word, reason = (OTHER_WORK, reason) if other else (word, verdict.work or reason)
    return {
        "verdict": word, "since": before.at, "reason": reason, "work": verdict.work if other else None,
        "change": verdict.change, "low": verdict.low, "high": verdict.high,
    }  # fmt: skip


def does_other_work(base: Evidence, new: Evidence) -> bool:
    """Whether two that were counted do different work, whatever counted them.

    Where something could not be counted, such as results that change from call to call, hashes differ for
    equal work; then only counts tell.
    """
    before, after = base.work, new.work
    if before is None or after is None or is_identical(base, new):
        return False
    if before.uncounted or after.uncounted:
        return any(getattr(before, name) != getattr(after, name) for name in _COUNTS)
    return before != after


def with_times(found: Sequence[HistoryRow], at: str, timed: Comparison) -> list[HistoryRow]:
    """The rows with the verdicts of a timed comparison of the place `at` with the one before.

    A neuron whose cases were tested together has a row of its own for that, behind them.
    """
    verdicts = {one.key: one for one in timed.verdicts if one.verdict != "identical"}
    here = [one for one in found if one.at == at]
    timed_rows = [
        replace(one, **_times(verdicts.pop(one.key))) if one.key in verdicts else one for one in here
    ]
    for verdict in verdicts.values():
        axes: dict[str, Any] = {name: verdict.case.get(name) for name in AXES}
        timed_rows.append(
            HistoryRow(
                at=at, date=here[0].date, title=here[0].title, machine=here[0].machine, since=here[0].since,
                key=verdict.key, label=verdict.label, **axes, **_times(verdict),
            )
        )  # fmt: skip
    start = [one.at for one in found].index(at)
    return [*found[:start], *timed_rows, *found[start + len(here) :]]


def _times(verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": verdict.verdict, "reason": verdict.reason, "change": verdict.change,
        "low": verdict.low, "high": verdict.high,
    }  # fmt: skip
