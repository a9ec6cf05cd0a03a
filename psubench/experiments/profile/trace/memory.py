"""Memory over the time of a call, from the allocations in a trace."""

from __future__ import annotations

from typing import Any

from psubench.experiments.profile.trace.events import Event, Trace

SLICES = 240


def timeline(trace: Trace, call: Event, *, on_device: bool) -> dict[str, Any] | None:
    """Bytes held over the time of a call, above what is held when it begins; None if nothing was recorded.

    Returns:
        `bytes`: the most that is held in each of `SLICES` equal slices of the call, so that no peak is
        lost. `peak_bytes`: the most of all. `duration_ns`: of the call.
    """
    inside = [
        allocation
        for allocation in trace.allocations
        if allocation.on_device == on_device and call.start <= allocation.at < call.end
    ]
    if not inside:
        return None
    most: list[int] = []
    held = 0
    for allocation in inside:
        number = (allocation.at - call.start) * SLICES // call.total_ns
        most += [held] * (number + 1 - len(most))
        held += allocation.size
        most[number] = max(most[number], held)
    most += [held] * (SLICES - len(most))
    return {"bytes": most, "peak_bytes": max(0, *most), "duration_ns": call.total_ns}
