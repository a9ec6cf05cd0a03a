"""How long blocks took before on this machine, from the records that lie about."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from psubench import record
from psubench.errors import PsubenchError
from psubench.suite import Block


def estimate(
    blocks: Sequence[Block], processes: int, folder: Path, here: Mapping[str, Any]
) -> tuple[float, int]:
    """Seconds that the blocks will take by what they took before, and how many of them are known.

    Args:
        folder: its sub-folders are runs; what is no readable run is passed over.
        here: `devices.machine()`; runs of other machines do not count.
    """
    known = _seconds_per_case(folder, here)
    seconds, found = 0.0, 0
    for block in blocks:
        entries = [entry for entry in block.entries if entry.skip is None]
        each = [
            known.get((kind, record.case_key(block.case.canonical()))) for kind in ("block", record.MEMORY)
        ]
        if each[0] is not None:
            found += 1
            seconds += len(entries) * (processes * each[0] + (each[1] or 0.0))
    return seconds, found


def _seconds_per_case(folder: Path, here: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """Median seconds that one process took for one case, by record type and key of the block."""
    found: dict[tuple[str, str], list[float]] = {}
    for path in sorted(folder.glob(f"*/{record.NAME}")):
        with suppress(PsubenchError):
            for one in _of_this_machine(record.read(path), here):
                key = (one["type"], record.case_key({**one["case"], "mode": ""}))
                found.setdefault(key, []).append(one["elapsed_s"] / len(one["cases"]))
    return {key: statistics.median(seconds) for key, seconds in found.items()}


def _of_this_machine(
    records: Sequence[Mapping[str, Any]], here: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    same, chosen = False, []
    for one in records:
        if one["type"] == "run":
            environment = one.get("environment", {})
            same = all(environment.get(name) == value for name, value in here.items())
        elif same and one["type"] in ("block", record.MEMORY) and "elapsed_s" in one and one["cases"]:
            chosen.append(one)
    return chosen
