"""What two records are compared by, per case: exact values, and one number per process.

That number is the fastest sample, of the reference over that of the case. Whatever disturbs a sample
makes it longer, so with half of them disturbed the median is lost and the fastest is not. With a load of
four on two cores its standard deviation between processes was 0.06 where that of the median of paired
ratios was 0.47, and with next to no load 0.021 where that was 0.028 (median over 24 cases).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgspec

from psubench.records.counted import Activity, CountedOutcome
from psubench.records.fingerprint import Fingerprint, Fingerprints
from psubench.records.measured import AGAIN, Block, Energy
from psubench.records.outcomes import GatedOutcome, Spikes
from psubench.records.paired import Plan, Samples, Trial, status_of, times, trials
from psubench.records.profiled import Profiled, ProfiledOutcome
from psubench.records.run import Run
from psubench.records.structs import Record, plain
from psubench.records.trained import Trained

EXACT = ("verified", *Spikes.__struct_fields__)
"""Fields that timed cases have; the `exact` mapping of a counted one has others (parameters, SOPs, ...)."""
UNKNOWN = "unknown"
Values = frozenset[str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One case in one record.

    Attributes:
        reference: key of the case that it is compared with; None if it has no ratios.
        exact: per field the values seen, one where all processes agree.
        log_ratio: per process log(t_reference / t_case) of their fastest samples (of energy: medians).
        log_time: per process the log of seconds (of energy: joules) per call, likewise.
        log_reference: the same, per process, for the reference that it was measured with.
        lost: outcome of processes without a result, if others have one.
        work: what its calls do; None if that was not counted.
        measured_by: hash of the code that measured it, as `Run` has it.
    """

    key: str
    case: Mapping[str, Any]
    label: str
    reference: str | None
    status: str
    message: str | None
    exact: Mapping[str, Values]
    log_ratio: Mapping[int, float]
    log_time: Mapping[int, float]
    log_reference: Mapping[int, float]
    lost: str | None = None
    work: Fingerprint | None = None
    measured_by: str | None = None

    @property
    def is_reference(self) -> bool:
        """Whether other cases are measured against this one."""
        return self.key == self.reference


Pair = tuple[Evidence, Evidence]
"""The same case in base and new."""


class Summary(NamedTuple):
    """All that a record is compared by: much less than the record, which need not be kept.

    Attributes:
        header: the last, without its plan.
        cases: per key, in the order of the plan, the evidence of each case that was planned.
    """

    header: Run
    cases: Mapping[str, Evidence]


def summary(records: Sequence[Record]) -> Summary:
    """What the records of a run are compared by."""
    header = next(record for record in reversed(records) if isinstance(record, Run))
    return Summary(msgspec.structs.replace(header, cases=[]), evidence(records))


def evidence(records: Sequence[Record]) -> dict[str, Evidence]:
    """Per key, in the order of the plan, the evidence of each case that a record planned."""
    plan, found = trials(records)
    counted, works = _counted(records), _works(records)
    same: dict[Values, Values] = {}
    by = next((one.measured_by for one in reversed(records) if isinstance(one, Run)), None)
    return {
        key: replace(
            _evidence(case, found.get(key, {}), counted.get(key, []), works.get(key), same), measured_by=by
        )
        for key, case in plan.items()
    }


def _works(records: Iterable[Record]) -> dict[str, Fingerprint]:
    """By case key, the work of those that could be counted."""
    every = (outcome for record in records if isinstance(record, Fingerprints) for outcome in record.cases)
    return {outcome.key: outcome.work for outcome in every if outcome.work is not None}


Told = CountedOutcome | ProfiledOutcome | Trained
"""The outcome of a case without samples."""


def _counted(records: Iterable[Record]) -> dict[str, list[Told]]:
    """By case key the outcomes in records that hold no samples."""
    found: dict[str, list[Told]] = {}
    for record in records:
        if isinstance(record, Activity | Profiled):
            for outcome in record.cases:
                found.setdefault(outcome.key, []).append(outcome)
        elif isinstance(record, Trained):
            found.setdefault(record.key, []).append(record)
    return found


def _evidence(
    case: Plan,
    tried: Mapping[int, Trial],
    counted: Sequence[Told],
    work: Fingerprint | None,
    same: dict[Values, Values],
) -> Evidence:
    """One case; `same` holds one set for all cases with equal values, which most are."""
    planned = case.planned
    good = {process: trial for process, trial in tried.items() if trial.outcome.status == "ok"}
    ratios = {p: _log_ratio(trial.samples, trial.block, trial.outcome.neuron) for p, trial in good.items()}
    seconds = {p: _log_time(trial) for p, trial in good.items()}
    references = {p: _log_reference(trial) for p, trial in good.items()}
    status, message = status_of(list(tried.values()), planned.skip)
    if not tried and counted:
        bad = [one for one in counted if one.status != "ok"]
        status, message = (bad[0].status, bad[0].message) if bad else ("ok", None)
    elif not tried and work is not None and planned.skip is None:
        status, message = "ok", None
    seen = _seen((good or tried).values(), counted)
    exact = {name: frozenset(map(_text, values)) for name, values in seen.items()}
    return Evidence(
        key=planned.key,
        case=plain(planned.case),
        label=planned.label,
        reference=planned.reference,
        status=status,
        message=message,
        exact={name: same.setdefault(found, found) for name, found in exact.items()},
        log_ratio={p: value for p, value in ratios.items() if value is not None},
        log_time={p: value for p, value in seconds.items() if value is not None},
        log_reference={p: value for p, value in references.items() if value is not None},
        lost=f"{status} {message}" if good and len(good) < len(tried) else None,
        work=work,
    )


def _seen(tried: Iterable[Trial], counted: Sequence[Told]) -> dict[str, list[Any]]:
    """The values that must be equal; None if a process lacks a field of timed cases."""
    seen: dict[str, list[Any]] = {}
    for trial in tried:
        known = _exact(trial.outcome)
        for name in EXACT:
            seen.setdefault(name, []).append(known.get(name))
    for outcome in counted:
        for name, value in _exact(outcome).items():
            seen.setdefault(name, []).append(value)
    return seen


def _exact(outcome: GatedOutcome | Told) -> dict[str, Any]:
    """The values that must be equal, without unknown ones; the status is kept separately."""
    fields: dict[str, Any] = {}
    if isinstance(outcome, GatedOutcome):
        fields = {"verified": outcome.verified, **(plain(outcome.activity) if outcome.activity else {})}
    elif isinstance(outcome, CountedOutcome):
        fields = dict(outcome.exact or {})
    return {name: value for name, value in fields.items() if value is not None}


def _text(value: Any) -> str:
    if value is None:
        return UNKNOWN
    return value if isinstance(value, str) else repr(value)


def log_ratio(block: Block | Energy, name: str) -> float | None:
    """log(t_reference / t_case) of the fastest samples in one process; None where it has none.

    Args:
        block: a block's record.
        name: the neuron in it. The reference is compared with its own second samples.
    """
    return _log_ratio(times(block), block, name)


def _log_ratio(samples: Samples, block: Block | Energy, name: str) -> float | None:
    reference = block.reference
    if not samples.get(AGAIN) or not samples.get(name):
        return None
    theirs = samples[AGAIN] if name == reference else _of_reference(samples, block)
    return _log(_typical(theirs, block), _typical(samples[name], block))


def _of_reference(samples: Samples, block: Block | Energy) -> list[float]:
    """Both of its samples of every round."""
    return [*samples.get(block.reference or "", ()), *samples.get(AGAIN, ())]


def _log_time(trial: Trial) -> float | None:
    return _per_call(trial.samples.get(trial.outcome.neuron), trial.block)


def _log_reference(trial: Trial) -> float | None:
    return _per_call(_of_reference(trial.samples, trial.block), trial.block)


def _per_call(samples: Sequence[float] | None, block: Block | Energy) -> float | None:
    # Joules come per call, nanoseconds for all loops of a sample.
    calls = 1.0 if isinstance(block, Energy) else block.loops * 1e9
    return _log(_typical(samples, block), calls) if samples else None


def _typical(samples: Sequence[float], block: Block | Energy) -> float:
    """The fastest time; of joules, which a disturbance can lower as well, the median."""
    return statistics.median(samples) if isinstance(block, Energy) else min(samples)


def _log(numerator: float, denominator: float) -> float | None:
    return math.log(numerator / denominator) if numerator > 0 and denominator > 0 else None
