"""From options to the blocks of a run. Imports no torch."""

from __future__ import annotations

from psubench.experiments.energy.options import EnergyOptions
from psubench.experiments.speed.plan import speed_blocks
from psubench.runs.case import Block


def blocks(options: EnergyOptions, device: str) -> list[Block]:
    """What is measured in joules: the blocks of `speed_blocks`."""
    return speed_blocks(options, options.reference, device, "energy")
