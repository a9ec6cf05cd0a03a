"""Options of `psubench energy`."""

from typing import Annotated

from msgspec import Meta

from psubench.experiments.axes import Calls, Processes, Reference
from psubench.experiments.option import Option

LONGEST_WINDOW_S = 60.0
"""A CPU's counter must not wrap twice within a window."""
Windows = Annotated[
    int,
    Meta(ge=1, le=1000),
    Option("Windows per neuron and process; the reference has twice as many.", suite="settings"),
]
Window = Annotated[
    float,
    Meta(ge=0.01, le=LONGEST_WINDOW_S),
    Option("Length of a window; shorter ones than 5 s are less exact.", "SECONDS", suite="settings"),
]


class EnergyOptions(Calls, frozen=True, kw_only=True):
    """Measured joules, and their ratio to those of the reference."""

    reference: Reference = "lif"
    processes: Processes = 3
    windows: Windows = 2
    window: Window = 5.0
