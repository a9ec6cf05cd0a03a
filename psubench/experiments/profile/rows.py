"""From the records of a run to its profiles, and to flat rows. Pure functions; no torch.

Record type `profile`: one per neuron, written by `psubench.experiments.profile.probe` with the sums of
`psubench.experiments.profile.trace.summarise`. Sums are over all recorded calls; rows are per call.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from psubench.experiments.cases import folded
from psubench.records.bounds import Amount, Count, Number, Output
from psubench.records.profiled import Operator, Profile, Profiled, ProfiledLayer, ProfiledOutcome, Sums
from psubench.records.rows import CaseRow, Share
from psubench.records.run import Planned
from psubench.records.structs import Record, plain

ROLES = ("neuron", "synapse", "other", "unattributed")


class ProfileRow(CaseRow, kw_only=True, frozen=True, tag_field="kind", tag="profile"):
    """A whole call; one role of layers; one layer; or one operator in layers of one role, of a case.

    Everything is per call, with the profiler on unless its name says otherwise. None is unknown.
    """

    part: Literal["total", "role", "layer", "operator"]
    name: str | None = None
    role: str | None = None
    layer_kind: str | None = None
    events: Amount | None = None
    time_s: Amount | None = None
    total_s: Amount | None = None
    share: Share | None = None
    forward_s: Amount | None = None
    backward_s: Amount | None = None
    bare_s: Amount | None = None
    launches: Amount | None = None
    launches_per_step: Amount | None = None
    allocated_bytes: Amount | None = None
    kept_bytes: Number | None = None
    peak_memory_bytes: Count | None = None
    message: str | None
    run_id: str


class Case(CaseRow, kw_only=True, frozen=True):
    """A planned case and its profile; None if it has none.

    Attributes:
        note: what was done to the data.
        output: kind of the neuron's outputs.
    """

    mismatch: ClassVar[None] = None

    key: str
    label: str
    run_id: str
    message: str | None
    profile: Profile | None
    note: str | None = None
    output: Output | None = None


def cases(records: Sequence[Record]) -> list[Case]:
    """One entry per planned case, in the order of the plan: its axes, its status, its profile.

    A case that failed has its message and no profile; one that was planned and never run has the status
    `interrupted`.
    """
    return folded(records, Profiled, _planned, _told)


def _planned(planned: Planned, run_id: str) -> Case:
    axes = plain(planned.case)
    del axes["kind"]
    message = "planned, but the run ended before it was profiled"
    more: dict[str, Any] = {"status": "interrupted", "verified": None, "message": message, "profile": None}
    return Case(**axes, key=planned.key, label=planned.label, run_id=run_id, **more)


def _told(outcome: ProfiledOutcome, record: Profiled) -> dict[str, Any]:
    """What an outcome says of its case."""
    return {
        "status": outcome.status,
        "output": outcome.output,
        "message": outcome.message or "; ".join(outcome.notes) or None,
        "verified": outcome.verified,
        "profile": outcome.profile,
        "note": record.note,
    }


def rows(cases: Sequence[Case]) -> list[ProfileRow]:
    """The rows of all cases: per case its total, its roles, its layers and its operators.

    A case without a profile is one row, a total in which nothing is known.
    """
    return [row for case in cases for row in _rows(case)]


def _rows(case: Case) -> list[ProfileRow]:
    if case.profile is None:
        return [_row(case, part="total")]
    return [total(case), *roles(case), *layers(case), *operators(case)]


_AXES = tuple(name for name in Case.__struct_fields__ if name in ProfileRow.__struct_fields__)


def _row(case: Case, **told: Any) -> ProfileRow:
    return ProfileRow(**{name: getattr(case, name) for name in _AXES}, **told)


def on_device(case: Case) -> bool:
    """Whether a GPU did the work: times are then its own, and launches those of kernels."""
    return str(case.device).startswith("cuda")


def known(case: Case) -> Profile:
    """The profile of a case that has one."""
    assert case.profile is not None  # the caller has looked
    return case.profile


def _time(case: Case, sums: Sums | Operator) -> int:
    """By the clock that counts, in ns over all recorded calls."""
    return sums.device_ns if on_device(case) else sums.self_ns


def _all_ns(case: Case) -> int:
    """Time of all layers together, in all recorded calls: on a processor exactly that of the calls."""
    profile = known(case)
    return sum(_time(case, way) for layer in profile.layers for way in (layer.forward, layer.backward))


def _per_call(case: Case, count: int) -> int | float:
    """A count per call; whole where every call had the same."""
    calls = known(case).calls
    return count // calls if count % calls == 0 else count / calls


def total(case: Case) -> ProfileRow:
    """A whole call: its time with the profiler, the median without it, launches, peak of memory."""
    profile = known(case)
    memory = profile.memory
    return _row(
        case,
        part="total",
        time_s=statistics.fmean(profile.call_ns) / 1e9,
        bare_s=statistics.median(profile.bare_ns) / 1e9,
        **_launches(case, profile.layers),
        peak_memory_bytes=memory.peak_bytes if memory else None,
    )


def roles(case: Case) -> list[ProfileRow]:
    """The layers of each role together; every role has its row."""
    some = {role: [layer for layer in known(case).layers if layer.role == role] for role in ROLES}
    return [
        _row(case, part="role", name=role, role=role, **_times(case, found), **_launches(case, found))
        for role, found in some.items()
    ]


def layers(case: Case) -> list[ProfileRow]:
    """Every layer, in the order of the network; last what happened in none, and what is not attributed."""
    return [
        _row(
            case,
            part="layer",
            name=layer.layer,
            role=layer.role,
            layer_kind=layer.kind or None,
            **_times(case, [layer]),
            **_launches(case, [layer]),
        )
        for layer in known(case).layers
    ]


def _times(case: Case, some: Sequence[ProfiledLayer]) -> dict[str, Any]:
    calls, every = known(case).calls, _all_ns(case)
    forward = sum(_time(case, layer.forward) for layer in some)
    backward = sum(_time(case, layer.backward) for layer in some)
    return {
        "time_s": (forward + backward) / calls / 1e9,
        "forward_s": forward / calls / 1e9,
        "backward_s": backward / calls / 1e9 if case.phase == "train" else None,
        "share": (forward + backward) / every if every else None,
    }


def _launches(case: Case, some: Sequence[ProfiledLayer]) -> dict[str, Any]:
    both = [way for layer in some for way in (layer.forward, layer.backward)]
    launches = _per_call(case, sum(way.launches for way in both))
    return {
        "launches": launches,
        "launches_per_step": launches / case.T,
        "allocated_bytes": _per_call(case, sum(way.allocated_bytes for way in both)),
    }


def operators(case: Case) -> list[ProfileRow]:
    """Every operator and node of autograd per role, the longest first."""
    profile = known(case)
    calls, every = profile.calls, _all_ns(case)
    found = sorted(profile.operators, key=lambda one: -_time(case, one))
    return [
        _row(
            case,
            part="operator",
            name=one.operator,
            role=one.role,
            events=_per_call(case, one.calls),
            time_s=_time(case, one) / calls / 1e9,
            total_s=one.total_ns / calls / 1e9,
            share=_time(case, one) / every if every else None,
            kept_bytes=_per_call(case, one.bytes),
        )
        for one in found
    ]
