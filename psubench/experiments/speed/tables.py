"""A run of `speed` as a sheet."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.paired import tables
from psubench.experiments.speed.columns import COLUMNS
from psubench.experiments.speed.rows import SpeedRow
from psubench.render.grid import Sheet


def sheet(rows: Sequence[SpeedRow]) -> Sheet:
    """What rows show, in every format."""
    return tables.sheet(rows, COLUMNS)
