"""What a record says of each case that two records can be compared by: exact values, a number per process.

That number is the fastest sample, of the reference over that of the case. Whatever disturbs a sample
makes it longer, so with half of them disturbed the median is lost and the fastest is not. With a load of
four on two cores its standard deviation between processes was 0.06 where that of the median of paired
ratios was 0.47, and with next to no load 0.021 where that was 0.028 (median over 24 cases).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psubench import analyse
from psubench.analyse import Record, Trial
from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.plugins import one_line
from psubench.record import AGAIN, MEMORY

EXACT = ("verified", "spikes", "neuron_steps", "spike_hash")
"""Fields that timed cases have; an `exact` mapping of a case adds more (parameters, SOPs, ...)."""
UNKNOWN = "unknown"
ENERGY = "energy"
_WITHOUT_OUTCOMES = ("run", "block", ENERGY, MEMORY, "end")


@dataclass(frozen=True)
class Evidence:
    """One case in one record.

    Attributes:
        reference: key of the case that its ratios are to; None where there are no ratios.
        exact: per field the values seen, one where all processes agree.
        log_ratio: per process log(t_reference / t_case) of their fastest samples (of energy: medians).
        log_time: per process the log of seconds (of energy: joules) per call, likewise.
        log_reference: per process that of the reference that it was measured beside.
        lost: what became of processes without a result, where others have one.
    """

    key: str
    case: Mapping[str, Any]
    label: str
    reference: str | None
    status: str
    message: str | None
    exact: Mapping[str, frozenset[str]]
    log_ratio: Mapping[int, float]
    log_time: Mapping[int, float]
    log_reference: Mapping[int, float]
    lost: str | None = None

    @property
    def is_reference(self) -> bool:
        """Whether other cases are measured against this one."""
        return self.key == self.reference


Pair = tuple[Evidence, Evidence]
"""The same case in base and new."""


def evidence(records: Sequence[Record]) -> dict[str, Evidence]:
    """Per key, in the order of the plan, what a record holds of each case that it planned.

    Raises:
        PsubenchError: a record lacks what every record of its type has.
    """
    try:
        return _of_all(records)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise PsubenchError(
            f"a record lacks something or holds it in another form ({one_line(error)})",
            "the file was changed after it was written; restore it or measure again",
            NOT_COMPARABLE,
        ) from error


def _of_all(records: Sequence[Record]) -> dict[str, Evidence]:
    planned, found = analyse.trials(records)
    counted = _counted(records)
    return {key: _evidence(case, found.get(key, {}), counted.get(key, [])) for key, case in planned.items()}


def _counted(records: Iterable[Record]) -> dict[str, list[Record]]:
    """By case key what records say that hold no samples: outcomes of activity, training, ..."""
    found: dict[str, list[Record]] = {}
    for record in records:
        if record["type"] in _WITHOUT_OUTCOMES:
            continue
        for one in (record, *record.get("cases", ())):
            if isinstance(one.get("key"), str):
                found.setdefault(one["key"], []).append(one)
    return found


def _evidence(planned: Record, trials: Mapping[int, Trial], counted: Sequence[Record]) -> Evidence:
    good = {process: trial for process, trial in trials.items() if trial.outcome["status"] == "ok"}
    ratios = {p: log_ratio(trial.block, trial.outcome["neuron"]) for p, trial in good.items()}
    times = {p: _log_time(trial) for p, trial in good.items()}
    references = {p: _log_reference(trial.block) for p, trial in good.items()}
    status, message = analyse.status_of(list(trials.values()), planned.get("skip"))
    if not trials and any("status" in one for one in counted):
        bad = [one for one in counted if one.get("status", "ok") != "ok"]
        status, message = (bad[0]["status"], bad[0].get("message")) if bad else ("ok", None)
    seen = _seen(good or trials, counted)
    return Evidence(
        key=planned["key"],
        case=planned["case"],
        label=planned.get("label", planned["key"]),
        reference=planned.get("reference"),
        status=status,
        message=message,
        exact={name: frozenset(map(_text, values)) for name, values in seen.items()},
        log_ratio={p: value for p, value in ratios.items() if value is not None},
        log_time={p: value for p, value in times.items() if value is not None},
        log_reference={p: value for p, value in references.items() if value is not None},
        lost=f"{status} {message}" if good and len(good) < len(trials) else None,
    )


def _seen(trials: Mapping[int, Trial], counted: Sequence[Record]) -> dict[str, list[Any]]:
    """The values of what must be equal; None where a process does not know what timed cases have."""
    seen: dict[str, list[Any]] = {}
    for trial in trials.values():
        every = {**trial.outcome, **(trial.outcome.get("activity") or {})}
        for name in EXACT:
            seen.setdefault(name, []).append(every.get(name))
    for outcome in (*(trial.outcome for trial in trials.values()), *counted):
        every = {**outcome, **(outcome.get("activity") or {})}
        fields = {name: every.get(name) for name in EXACT} | dict(outcome.get("exact") or {})
        for name, value in fields.items():
            if value is not None:
                seen.setdefault(name, []).append(value)
    return seen


def _text(value: Any) -> str:
    if value is None:
        return UNKNOWN
    return value if isinstance(value, str) else repr(value)


def log_ratio(block: Record, name: str) -> float | None:
    """log(t_reference / t_case) of the fastest samples in one process; None where it has none.

    Args:
        block: a block's record.
        name: the neuron in it. The reference is held against its own second samples.
    """
    samples, reference = analyse.times(block), block["reference"]
    if not samples.get(AGAIN) or not samples.get(name):
        return None
    theirs = samples[AGAIN] if name == reference else _of_reference(block)
    return _log(_typical(theirs, block), _typical(samples[name], block))


def _of_reference(block: Record) -> list[float]:
    """Both of its samples of every round."""
    samples = analyse.times(block)
    return [*samples.get(block["reference"], ()), *samples.get(AGAIN, ())]


def _log_time(trial: Trial) -> float | None:
    return _per_call(analyse.times(trial.block).get(trial.outcome["neuron"]), trial.block)


def _log_reference(block: Record) -> float | None:
    return _per_call(_of_reference(block), block)


def _per_call(samples: Sequence[float] | None, block: Record) -> float | None:
    # Joules come per call, nanoseconds for all loops of a sample.
    calls = 1.0 if block["type"] == ENERGY else block["loops"] * 1e9
    return _log(_typical(samples, block), calls) if samples else None


def _typical(samples: Sequence[float], block: Record) -> float:
    """The fastest time; of joules, which a disturbance can lower as well, the median."""
    return statistics.median(samples) if block["type"] == ENERGY else min(samples)


def _log(numerator: float, denominator: float) -> float | None:
    return math.log(numerator / denominator) if numerator > 0 and denominator > 0 else None
