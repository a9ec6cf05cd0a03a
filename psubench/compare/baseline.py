"""A record to compare later runs with, kept only if the machine was quiet enough."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psubench.errors import CASE_FAILED, NOT_COMPARABLE, PsubenchError
from psubench.experiments.speed import rows as speed_rows
from psubench.records import jsonl


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
    rows = speed_rows.rows(jsonl.read(path))
    bad = [row for row in rows if row["status"] not in ("ok", "skipped")]
    if bad:
        raise PsubenchError(
            f"no baseline from a run with failures: {bad[0]['label']} is {bad[0]['status']}",
            f"see {measured}; the old baseline is kept",
            CASE_FAILED,
        )
    floor = noise(rows)
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


def noise(rows: Sequence[dict[str, Any]]) -> float | None:
    """The largest noise floor of all blocks; None where one is unknown."""
    floors = [row["noise_floor"] for row in rows if row["is_reference"] and row["status"] == "ok"]
    return max(floors) if floors and None not in floors else None
