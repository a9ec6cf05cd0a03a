"""What a device must do: all that `psubench.measure.rounds` knows about where it measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol


class Sample(NamedTuple):
    """Duration of one window, in nanoseconds for all of its calls together.

    Attributes:
        wall_ns: by the clock of the process, including the work of the device.
        device_ns: by the clock of the device; None where it has none of its own.
        result: what the kept call has returned; None where nothing was called.
    """

    wall_ns: int
    device_ns: int | None
    result: object = None


class Counters(NamedTuple):
    """What the process has used since it began; the differences over a round go into the record."""

    minor_faults: int
    cpu_ns: int


class Device(Protocol):
    """Something that can be measured on."""

    @property
    def name(self) -> str:
        """`cpu`, `cuda:0`, `scripted`."""

    @property
    def torch_device(self) -> str:
        """Where tensors are, as torch writes it."""

    @property
    def min_sample_ns(self) -> int:
        """The shortest window that the clock resolves well enough."""

    def settle(self, input_bytes: int | None) -> None:
        """Prepares the process, before anything is timed, so that no window contains one-time costs.

        Args:
            input_bytes: of the input of a single layer; None for a network, whose tensors may be larger.
        """

    def sample(self, label: str, call: Callable[[], object], loops: int, kept: int = 0) -> Sample:
        """Times `loops` calls in one window, with nothing else in it; returns once all their work is done.

        Args:
            kept: number of the call whose result is returned, from 0.
        """

    def peak_memory(self, call: Callable[[], object]) -> int | None:
        """Bytes that one call takes at its peak above what is held before it; None if unknown.

        Not in a process that has settled: memory that was taken in advance would not be seen.
        """

    def counters(self) -> Counters:
        """Page faults and processor time so far."""

    def state(self) -> dict[str, Any]:
        """Clocks, temperature, load: what may change while measuring. Unknown values are None."""

    def throttled(self) -> list[str]:
        """Why the device is slower now than it could be: heat, power, a fault. Empty if it is not."""

    def describe(self) -> dict[str, Any]:
        """What the device is. Unknown values are None."""
