"""THE place where numbers become text: significant digits, units, ratios, shares. Unknown is a dash."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

UNKNOWN = "-"
Units = Mapping[str, float]
"""Name and size of each unit, the largest first."""
SECONDS: Units = MappingProxyType({"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9})
JOULES: Units = MappingProxyType({"J": 1.0, "mJ": 1e-3, "µJ": 1e-6, "nJ": 1e-9})
PICOJOULES: Units = MappingProxyType({"J": 1e12, "mJ": 1e9, "µJ": 1e6, "nJ": 1e3, "pJ": 1.0})
COUNTS: Units = MappingProxyType({"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "": 1.0})
BYTES: Units = MappingProxyType({"GiB": 2.0**30, "MiB": 2.0**20, "KiB": 2.0**10})
MEBIBYTE = BYTES["MiB"]


def decimals(value: float, digits: int = 3) -> int:
    """Decimal places that show so many significant digits."""
    return max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else digits - 1


def significant(value: float, digits: int = 3, most: int | None = None) -> str:
    """So many significant digits, without an exponent; 0 is exact.

    Args:
        most: decimal places that there are at most.
    """
    places = decimals(value, digits)
    text = f"{value:.{places if most is None else min(most, places)}f}"
    return text if float(text) else "0"


def unit_of(value: float, units: Units = SECONDS) -> str:
    """The unit in which a value has one to three digits before the point; else the smallest."""
    return next((unit for unit, size in units.items() if abs(value) >= size), [*units][-1])


def in_units(value: float | None, units: Units) -> str:
    """`1.23 mJ`: three significant digits in the unit that suits the value."""
    if value is None:
        return UNKNOWN
    unit = unit_of(value, units)
    scaled = value / units[unit]
    return f"{scaled:.{decimals(scaled)}f} {unit}".strip()


def ratio(value: float, low: float | None = None, high: float | None = None) -> str:
    """`0.63x [0.61, 0.65]`; without the brackets where no interval is known."""
    places = decimals(value, 2 if value < 1 else 3)
    return f"{value:.{places}f}x{interval(low, high, places)}"


def interval(low: float | None, high: float | None, places: int) -> str:
    """` [0.61, 0.65]` behind a number with so many decimal places; empty where one end is unknown."""
    return "" if low is None or high is None else f" [{low:.{places}f}, {high:.{places}f}]"


def percent(fraction: float) -> str:
    """`1.2 %`: two significant digits, at least tenths."""
    return f"{100 * fraction:.{1 if fraction < 0.1 else 0}f} %"


def share(fraction: float | None) -> str:
    """`28 %`, `1.2 %`, and `0 %` only for nothing at all."""
    if fraction is None:
        return UNKNOWN
    if fraction == 0:
        return "0 %"
    return percent(fraction) if fraction >= 0.0005 else "<0.1 %"


def count(value: float | None) -> str:
    """`1,234`; a mean has one place behind the point."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def fixed(value: float | None, places: int) -> str:
    """So many decimal places; a dash for the unknown."""
    return UNKNOWN if value is None else f"{value:.{places}f}"
