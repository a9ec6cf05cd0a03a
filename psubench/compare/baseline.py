"""A record to compare later runs with, kept only if the machine was quiet enough."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psubench.errors import CASE_FAILED, NOT_COMPARABLE, PsubenchError
from psubench.records import jsonl
from psubench.records.paired import Plan, Trial, ratios, status_of, trials


def replace(measured: Path, baseline: Path, limit: float) -> float:
    """Makes a finished run the baseline, if it is complete and quiet; otherwise the previous one stays.

    Args:
        measured: folder of the run.
        baseline: folder that holds the baseline.
        limit: largest noise floor of any block, a relative difference.

    Returns:
        The largest noise floor.

    Raises:
        PsubenchError: a case failed, or the machine was too noisy.
    """
    path = jsonl.locate(measured)
    plan, found = trials(jsonl.read(path))
    cases = [(case, list(found.get(key, {}).values())) for key, case in plan.items()]
    for case, tried in cases:
        status, _ = status_of(tried, case.planned.skip)
        if status not in ("ok", "skipped"):
            raise PsubenchError(
                f"no baseline from a run with failures: {case.planned.label} is {status}",
                f"see {measured}; the old baseline is kept",
                CASE_FAILED,
            )
    floor = noise(cases)
    if floor is None or floor > limit:
        known = "unknown" if floor is None else f"{100 * floor:.1f} %"
        raise PsubenchError(
            f"this machine is too noisy for a baseline: noise floor {known}, limit {100 * limit:.3g} %",
            "stop other programs, use --processes 10, or raise --limit; the old baseline is kept",
            NOT_COMPARABLE,
        )
    baseline.mkdir(parents=True, exist_ok=True)
    path.replace(baseline / jsonl.NAME)
    return floor


def noise(cases: Sequence[tuple[Plan, Sequence[Trial]]]) -> float | None:
    """The largest noise floor of all blocks; None where one is unknown.

    Args:
        cases: each with what became of it in every process.
    """
    floors = [
        ratios(tried)["noise_floor"]
        for case, tried in cases
        if case.planned.reference == case.planned.key and status_of(tried, case.planned.skip)[0] == "ok"
    ]
    return max(floors) if floors and None not in floors else None
