"""What must be known before a result is believed: a noisy machine, intervals too wide, rates at an end."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from psubench.experiments.paired.rows import Row, unclear
from psubench.render.numbers import percent

NOISY = 0.1
"""Noise floor from which differences that matter are lost in it."""
SATURATED = 0.9
"""Spikes per neuron and step above which a neuron hardly chooses when to fire."""


def warnings(rows: Sequence[Row]) -> list[str]:
    """One line for each kind of doubt that any row gives rise to."""
    return [line for line in (_noise(rows), *_rates(rows)) if line]


def _noise(rows: Sequence[Row]) -> str | None:
    floors = [row.noise_floor for row in rows if row.noise_floor is not None]
    wide = sum(map(unclear, rows))
    if not floors or (statistics.median(floors) < NOISY and not wide):
        return None
    told = f"The noise of this machine is ±{percent(statistics.median(floors))}"
    if wide:
        told += f", and {wide} of {len(rows)} intervals span more than a factor of 2"
    return f"{told}: psubench doctor says what disturbs it"


def _rates(rows: Sequence[Row]) -> list[str]:
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.output not in (None, "spikes") or row.firing_rate is None:
            continue
        if row.firing_rate == 0:
            found.setdefault(f"{row.label} never fires", []).append(str(row.T))
        elif row.firing_rate > SATURATED:
            found.setdefault(f"{row.label} fires in more than {percent(SATURATED)} of all steps", []).append(
                str(row.T)
            )
    return [f"{told} at T = {', '.join(dict.fromkeys(Ts))}: look at its input" for told, Ts in found.items()]
