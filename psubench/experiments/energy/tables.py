"""A run of `energy` as a sheet."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.energy.columns import COLUMNS, coarse
from psubench.experiments.energy.rows import EnergyRow
from psubench.experiments.paired import tables
from psubench.render.grid import Sheet


def sheet(rows: Sequence[EnergyRow]) -> Sheet:
    """What rows show, in every format."""
    return tables.sheet(rows, COLUMNS, coarse(rows))
