"""What `compare --git` would measure, and how long that may take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psubench.compare.looks import FEW_CASES, FEW_LOOKS, LOOKS
from psubench.devices import machine
from psubench.errors import number_of
from psubench.runs.case import Block
from psubench.runs.estimate import estimate
from psubench.runs.schedule import Settings

START_SECONDS, CHECK_SECONDS = 4.0, 0.7
"""Of the processor: of a process until its first block, and of a block beside its samples (AMD EPYC)."""


def lines(blocks: Sequence[Block], how: Settings, reports: Path, *, counts: bool) -> list[str]:
    """The plan in words.

    Args:
        blocks: with the cases that are compared.
        reports: its subfolders are runs, from which the time is estimated.
        counts: whether the work can be counted first.
    """
    listed = [f"{block.title}: {', '.join(entry.label for entry in block.entries)}" for block in blocks]
    count = sum(len(block.entries) for block in blocks)
    listed.append(f"{number_of(count, 'case')} in {number_of(len(blocks), 'block')}")
    if counts and not blocks[0].case.device.startswith("cuda"):
        listed.append("work first: cases that do identical work are not timed")
    else:
        listed.append("time alone: the work of a GPU, or of sides with packages of their own, is not counted")
    return [*listed, _estimate(blocks, how, reports)]


def _estimate(blocks: Sequence[Block], how: Settings, reports: Path) -> str:
    """From the shortest comparison to the longest."""
    neurons = {entry.ref for block in blocks for entry in block.entries}
    count = sum(len(block.entries) for block in blocks)
    looks = FEW_LOOKS if count + len(neurons) <= FEW_CASES else LOOKS
    seconds, known = estimate(blocks, 1, reports, machine())
    each = seconds + (len(blocks) - known) * (how.max_seconds + CHECK_SECONDS) + START_SECONDS
    most = f"{looks[0]} to {sum(looks)} processes per side, about {each:.0f} s each"
    source = (
        f"{known} of {len(blocks)} blocks by earlier runs here"
        if known
        else "never measured here, by the plan"
    )
    return f"{most}: {_clock(2 * looks[0] * each)} to {_clock(2 * sum(looks) * each)} ({source})"


def _clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
