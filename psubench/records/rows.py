"""What exported rows of several kinds of run have in common; each kind adds its own fields in `rows.py`.

A row is a frozen struct. Its fields in their order are the columns of CSV, which is a contract, and the keys
of JSON; `JSON_ONLY` names those that CSV leaves out, and `HIDDEN` those that no file has.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from psubench.records.bounds import Positive, Status

Share = Annotated[float, Meta(ge=0, le=1)]


class CaseRow(Struct, kw_only=True, frozen=True):
    """A case of one layer or network, and what became of it."""

    JSON_ONLY: ClassVar[tuple[str, ...]] = ()
    HIDDEN: ClassVar[tuple[str, ...]] = ()

    neuron: Annotated[str, Meta(description="name, or module:attribute of a plug-in")]
    implementation: str
    model: str
    data: str
    T: Annotated[Positive, Meta(description="time steps")]
    batch: Positive
    size: Annotated[Positive | None, Meta(description="neurons of the one layer; null for a network")]
    device: str
    dtype: str
    phase: Literal["infer", "train"]
    mode: Literal["layer", "step"]
    threads: Positive
    status: Status
    verified: Annotated[bool | None, Meta(description="null if nothing was checked")]


class SimulatedRow(Struct, kw_only=True, frozen=True):
    """What many simulated comparisons under the same conditions have found.

    Attributes:
        records: processes of each of two finished records; None for `compare --git`, which chooses them.
        slowdown: true change of the time of every case.
        processes: mean per side.
        same, slower, unclear, faster: of the verdicts, one on each case and under --git one on all of them.
        exit_1: of the comparisons, those that call anything slower.
    """

    records: Positive | None
    noise: str
    slowdown: Share
    comparisons: Positive
    processes: float
    same: Share
    slower: Share
    unclear: Share
    faster: Share
    exit_1: Share
