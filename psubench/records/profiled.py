"""Records of a profile: sums over the calls of a trace."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from psubench.records.bounds import Amount, Count, Integer, Positive
from psubench.records.outcomes import GatedOutcome
from psubench.records.run import ProfileCase


class Sums(Struct, frozen=True, kw_only=True):
    """Sums over a layer in one direction."""

    self_ns: Integer
    device_ns: Integer
    launches: Integer
    allocated_bytes: Integer


class ProfiledLayer(Struct, frozen=True, kw_only=True):
    """A layer of the network, what ran outside of all layers, or what is not attributed."""

    layer: str
    role: Literal["neuron", "synapse", "other", "unattributed"]
    kind: str
    forward: Sums
    backward: Sums


class Operator(Struct, frozen=True, kw_only=True):
    """All events of one name in layers of one role; `bytes` are those that were kept."""

    operator: str
    role: str
    calls: Integer
    self_ns: Integer
    total_ns: Integer
    device_ns: Integer
    bytes: Integer


class Timeline(Struct, frozen=True, kw_only=True):
    """Allocated memory during the first call."""

    bytes: list[Integer]
    peak_bytes: Count
    duration_ns: Positive

    def __post_init__(self) -> None:
        if not self.bytes:
            raise ValueError("bytes is empty")


class Profile(Struct, frozen=True, kw_only=True):
    """Sums over all recorded calls.

    Attributes:
        trace: its file, relative to the run's folder.
        bare_ns: durations of calls without the profiler.
        call_ns: durations of calls with the profiler.
        forward_ns: until the forward pass of the first call has ended.
    """

    trace: str
    bare_ns: list[Positive]
    calls: Positive
    call_ns: list[Positive]
    layers: list[ProfiledLayer]
    operators: list[Operator]
    memory: Timeline | None
    forward_ns: Count | None

    def __post_init__(self) -> None:
        if not self.layers or not self.bare_ns:
            raise ValueError("layers or bare_ns is empty")
        if len(self.call_ns) != self.calls:
            raise ValueError(f"call_ns holds {len(self.call_ns)} durations, not {self.calls}")


class ProfiledOutcome(GatedOutcome, kw_only=True):
    """One neuron and its profile."""

    profile: Profile | None

    def __post_init__(self) -> None:
        if (self.status == "ok") != (self.profile is not None):
            raise ValueError(f"status is {self.status}, which contradicts its profile")


class Profiled(Struct, frozen=True, kw_only=True, tag_field="type", tag="profile"):
    """What the profiler saw in calls of one neuron."""

    case: ProfileCase
    process: Count = 0
    note: str | None = None
    device: dict[str, Any] = {}
    cases: list[ProfiledOutcome]
    elapsed_s: Amount | None = None
