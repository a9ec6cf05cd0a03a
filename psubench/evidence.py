"""What a record says of each case that two records can be compared by: exact values, a number per process.

That number is the fastest sample, of the reference over that of the case. Whatever disturbs a sample
makes it longer, so with half of them disturbed the median is lost and the fastest is not. With a load of
four on two cores its standard deviation between processes was 0.06 where that of the median of paired
ratios was 0.47, and with next to no load 0.021 where that was 0.028 (median over 24 cases).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psubench import analyse
from psubench.analyse import Record, Trial
from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.plugins import one_line
from psubench.record import AGAIN

EXACT = ("status", "verified", "spikes", "neuron_steps", "spike_hash")
"""Fields that every case has; an `exact` mapping of a case adds more (parameters, SOPs, ...)."""


@dataclass(frozen=True)
class Evidence:
    """One case in one record.

    Attributes:
        reference: key of the case that its ratios are to.
        exact: per field the values seen, one where all processes agree.
        log_ratio: per process log(t_reference / t_case) of their fastest samples.
        log_time: per process the log of seconds per call, of the fastest sample.
    """

    key: str
    case: Mapping[str, Any]
    label: str
    reference: str
    status: str
    message: str | None
    exact: Mapping[str, frozenset[str]]
    log_ratio: Mapping[int, float]
    log_time: Mapping[int, float]

    @property
    def is_reference(self) -> bool:
        """Whether other cases are measured against this one."""
        return self.key == self.reference


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
    more = _exact_of_others(records)
    status = {row["key"]: (row["status"], row["message"]) for row in analyse.rows(records)}
    return {
        key: _evidence(case, found.get(key, {}), status[key], more.get(key, {}))
        for key, case in planned.items()
    }


def _evidence(
    planned: Record, trials: Mapping[int, Trial], status: tuple[str, str | None], more: Mapping[str, set[str]]
) -> Evidence:
    good = {process: trial for process, trial in trials.items() if trial.outcome["status"] == "ok"}
    seen = {name: set(values) for name, values in more.items()}
    for trial in trials.values():
        for name, value in _exact(trial.outcome).items():
            seen.setdefault(name, set()).add(_text(value))
    seen["status"] = {status[0]}
    return Evidence(
        key=planned["key"],
        case=planned["case"],
        label=planned["label"],
        reference=planned["reference"],
        status=status[0],
        message=status[1],
        exact={name: frozenset(values) for name, values in seen.items()},
        log_ratio={p: value for p, trial in good.items() if (value := _log_ratio(trial)) is not None},
        log_time={p: value for p, trial in good.items() if (value := _log_time(trial)) is not None},
    )


def _exact(outcome: Record) -> dict[str, Any]:
    """What must be equal, unknown left out."""
    every = {**outcome, **(outcome.get("activity") or {})}
    fields = {name: every.get(name) for name in EXACT} | dict(outcome.get("exact") or {})
    return {name: value for name, value in fields.items() if value is not None}


def _exact_of_others(records: Iterable[Record]) -> dict[str, dict[str, set[str]]]:
    """Exact values by case key and field from records that are no blocks (activity, training, ...)."""
    found: dict[str, dict[str, set[str]]] = {}
    for record in records:
        if record["type"] in ("run", "block"):
            continue
        for one in (record, *_cases(record)):
            if isinstance(one.get("key"), str) and isinstance(one.get("exact"), Mapping):
                for name, value in one["exact"].items():
                    if value is not None:
                        found.setdefault(one["key"], {}).setdefault(name, set()).add(_text(value))
    return found


def _cases(record: Record) -> list[Record]:
    cases = record.get("cases")
    return [case for case in cases if isinstance(case, Mapping)] if isinstance(cases, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _log_ratio(trial: Trial) -> float | None:
    samples, reference, name = analyse.times(trial.block), trial.block["reference"], trial.outcome["neuron"]
    if not samples.get(AGAIN) or not samples.get(name):
        return None
    theirs = samples[AGAIN] if name == reference else [*samples[reference], *samples[AGAIN]]
    return math.log(min(theirs) / min(samples[name]))


def _log_time(trial: Trial) -> float | None:
    samples = analyse.times(trial.block).get(trial.outcome["neuron"])
    return math.log(min(samples) / (trial.block["loops"] * 1e9)) if samples else None
