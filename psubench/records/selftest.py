"""Records of a self-test of `compare`: each is one comparison of this code with itself."""

from __future__ import annotations

from msgspec import Struct

from psubench.records.bounds import Amount, Count, Number


class Judged(Struct, frozen=True, kw_only=True):
    """The verdict on one case; the change is a share, None where nothing was compared."""

    key: str
    name: str
    label: str
    verdict: str
    reason: str | None
    change: Number | None
    low: Number | None
    high: Number | None
    new_processes: Count
    gated: bool


class Suite(Struct, frozen=True, kw_only=True, tag_field="type", tag="suite"):
    """One comparison."""

    number: Count
    seconds: Amount
    margin: Number
    exit_code: Count
    cases: list[Judged]
