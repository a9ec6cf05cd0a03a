"""Rows for services that follow benchmarks over commits: github-action-benchmark and Bencher.

They follow the time relative to the reference, which other machines share, and not seconds, which change
with the runner of the day; Bencher, which keeps several measures, gets both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from psubench.errors import PsubenchError, one_line
from psubench.render import escape, groups
from psubench.render.columns import Row

_PLUGIN = "plugin"  # as records hold it: the module that says so imports torch
_AXES = ("phase", "T", "batch", "size", "model", "data", "mode", "dtype", "device", "threads", "reference")


def to_github_action_benchmark(rows: Sequence[Row]) -> str:
    """A list for `tool: customSmallerIsBetter`; cases that failed or have no ratio are left out."""
    entries = [
        {
            "name": _name(row),
            "unit": f"times {row['reference']}",
            "value": 1 / row["ratio"],
            "range": f"{1 / row['ratio_high']:.4g} to {1 / row['ratio_low']:.4g}" if row["ratio_low"] else "",
            "extra": f"{row['median_s']:.4g} s; {row['rounds']} rounds in {row['processes']} processes",
        }
        for row in _timed(rows)
        if not row["is_reference"] and row["ratio"] is not None
    ]
    _check_names([entry["name"] for entry in entries])
    return escape.json_text(entries, indent=1)


def to_bencher(rows: Sequence[Row]) -> str:
    """Bencher Metric Format: `latency` in ns per call, `relative-time` to the reference."""
    found: dict[str, dict[str, Any]] = {}
    timed = _timed(rows)
    _check_names([_name(row) for row in timed])
    for row in timed:
        of_case = {"latency": _metric(*(1e9 * row[name] for name in ("median_s", "p05_s", "p95_s")))}
        if not row["is_reference"] and row["ratio"] is not None:
            limits = [None if row[name] is None else 1 / row[name] for name in ("ratio_high", "ratio_low")]
            of_case["relative-time"] = _metric(1 / row["ratio"], *limits)
        found[_name(row)] = of_case
    return escape.json_text(found, indent=1)


def _timed(rows: Sequence[Row]) -> list[Row]:
    return [row for row in groups.distinct(rows) if row["status"] == "ok" and row["median_s"] is not None]


def _name(row: Row) -> str:
    """`psu, train, T=32, ..., reference=lif`: every axis, so that a name means the same in every run."""
    label = row["neuron"] if row["implementation"] == _PLUGIN else row["label"]
    axes = [f"{axis}={row[axis]}" for axis in _AXES if axis != "phase" and row[axis] is not None]
    return escape.terminal(one_line(", ".join([label, row["phase"], *axes])))


def _check_names(names: Sequence[str]) -> None:
    """Raises PsubenchError where a service would take two results for one."""
    double = next((name for name, count in Counter(names).items() if count > 1), None)
    if double is not None:
        raise PsubenchError(
            f'two results have the name "{double}"', "export runs that measured the same cases one by one"
        )


def _metric(value: float, low: float | None, high: float | None) -> dict[str, float]:
    """Limits that are not known are left out."""
    limits = {"lower_value": low, "upper_value": high}
    return {"value": value, **{name: limit for name, limit in limits.items() if limit is not None}}
