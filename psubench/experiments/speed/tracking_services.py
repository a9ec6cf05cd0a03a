"""Rows for services that follow benchmarks over commits: github-action-benchmark and Bencher.

They follow the time relative to the reference, which other machines share, and not seconds, which change
with the runner of the day; Bencher, which keeps several measures, gets both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from psubench.errors import PsubenchError, one_line
from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.speed.rows import SpeedRow
from psubench.render import escape

_PLUGIN = "plugin"  # as records hold it: the module that says so imports torch
_AXES = ("phase", "T", "batch", "size", "model", "data", "mode", "dtype", "device", "threads", "reference")


def to_github_action_benchmark(rows: Sequence[SpeedRow]) -> str:
    """A list for `tool: customSmallerIsBetter`; cases that failed or have no ratio are left out."""
    entries: list[dict[str, Any]] = [
        {
            "name": _name(row),
            "unit": f"times {row.reference}",
            "value": 1 / row.ratio,
            "range": _range(row.ratio_low, row.ratio_high),
            "extra": f"{row.median_s:.4g} s; {row.rounds} rounds in {row.processes} processes",
        }
        for row in _timed(rows)
        if not row.is_reference and row.ratio is not None
    ]
    _check_names([entry["name"] for entry in entries])
    return escape.json_text(entries, indent=1)


def to_bencher(rows: Sequence[SpeedRow]) -> str:
    """Bencher Metric Format: `latency` in ns per call, `relative-time` to the reference."""
    found: dict[str, dict[str, Any]] = {}
    timed = _timed(rows)
    _check_names([_name(row) for row in timed])
    for row in timed:
        of_case = {"latency": _metric(row.median_s, row.p05_s, row.p95_s, lambda seconds: 1e9 * seconds)}
        if not row.is_reference and row.ratio is not None:
            of_case["relative-time"] = _metric(row.ratio, row.ratio_high, row.ratio_low, lambda x: 1 / x)
        found[_name(row)] = of_case
    return escape.json_text(found, indent=1)


def _timed(rows: Sequence[SpeedRow]) -> list[SpeedRow]:
    return [row for row in paired_axes.distinct(rows) if row.status == "ok" and row.median_s is not None]


def _name(row: SpeedRow) -> str:
    """`psu, train, T=32, ..., reference=lif`: every axis, so that a name means the same in every run."""
    label = row.neuron if row.implementation == _PLUGIN else row.label
    axes = [f"{axis}={getattr(row, axis)}" for axis in _AXES[1:] if getattr(row, axis) is not None]
    return escape.terminal(one_line(", ".join([label, row.phase, *axes])))


def _range(low: float | None, high: float | None) -> str:
    return f"{1 / high:.4g} to {1 / low:.4g}" if low and high else ""


def _check_names(names: Sequence[str]) -> None:
    """Raises PsubenchError where a service would take two results for one."""
    double = next((name for name, count in Counter(names).items() if count > 1), None)
    if double is not None:
        raise PsubenchError(
            f'two results have the name "{double}"', "export runs that measured the same cases one by one"
        )


def _metric(
    value: float | None, low: float | None, high: float | None, unit: Callable[[float], float]
) -> dict[str, float]:
    """In a unit; limits that are not known are left out."""
    values = {"value": value, "lower_value": low, "upper_value": high}
    return {name: unit(number) for name, number in values.items() if number is not None}
