"""Estimates block durations from earlier runs on this machine."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from psubench.errors import PsubenchError
from psubench.records import jsonl
from psubench.records.measured import Block, Memory
from psubench.records.run import Run
from psubench.records.structs import Record, plain
from psubench.runs.case import Block as PlannedBlock


def estimate(
    blocks: Sequence[PlannedBlock], processes: int, folder: Path, here: Mapping[str, Any]
) -> tuple[float, int]:
    """Seconds that the blocks will take, estimated from earlier runs, and the number of known blocks.

    Args:
        folder: its subfolders are runs; anything else in it is ignored.
        here: `devices.machine()`; runs of other machines are ignored.
    """
    known = _seconds_per_case(folder, here)
    seconds, found = 0.0, 0
    for block in blocks:
        entries = [entry for entry in block.entries if entry.skip is None]
        each = [known.get((kind, jsonl.case_key(block.case.canonical()))) for kind in (Block, Memory)]
        if each[0] is not None:
            found += 1
            seconds += len(entries) * (processes * each[0] + (each[1] or 0.0))
    return seconds, found


def _seconds_per_case(folder: Path, here: Mapping[str, Any]) -> dict[tuple[type[Record], str], float]:
    """Median seconds that one process took for one case, by type of record and key of the block."""
    found: dict[tuple[type[Record], str], list[float]] = {}
    for path in sorted(folder.glob(f"*/{jsonl.NAME}")):
        with suppress(PsubenchError):
            for one in _of_this_machine(jsonl.read(path), here):
                key = (type(one), jsonl.case_key({**plain(one.case), "mode": ""}))
                found.setdefault(key, []).append((one.elapsed_s or 0.0) / len(one.cases))
    return {key: statistics.median(seconds) for key, seconds in found.items()}


def _of_this_machine(records: Sequence[Record], here: Mapping[str, Any]) -> list[Block | Memory]:
    same, chosen = False, []
    for one in records:
        if isinstance(one, Run):
            same = all(one.environment.get(name) == value for name, value in here.items())
        elif same and isinstance(one, Block | Memory) and one.elapsed_s is not None and one.cases:
            chosen.append(one)
    return chosen
