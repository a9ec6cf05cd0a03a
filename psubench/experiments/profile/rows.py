"""From the records of a run to its profiles, and to flat rows. Pure functions; no torch.

Record type `profile`: one per neuron, written by `psubench.experiments.profile.probe` with the sums of
`psubench.experiments.profile.trace.summarise`. Sums are over all recorded calls; rows are per call.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from psubench.records.outcomes import labelled
from psubench.records.profiled import Operator, Profile, Profiled, ProfiledLayer, Sums
from psubench.records.run import Planned, Run
from psubench.records.structs import Record, plain

Case = Mapping[str, Any]
ROLES = ("neuron", "synapse", "other", "unattributed")
PARTS = ("total", "role", "layer", "operator")
"""What a row is about: a whole call; one role of layers; one layer; one operator in layers of one role."""
_UNKNOWN = (
    "name", "role", "layer_kind", "events", "time_s", "total_s", "share", "forward_s", "backward_s",
    "launches", "launches_per_step", "allocated_bytes", "kept_bytes", "peak_memory_bytes", "bare_s",
)  # fmt: skip


def cases(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One entry per planned case, in the order of the plan: its axes, its status, its profile.

    A case that failed has its message and no profile; one that was planned and never run has the status
    `interrupted`.
    """
    planned: dict[str, dict[str, Any]] = {}
    run_id = ""
    for record in records:
        if isinstance(record, Run):
            run_id = record.run_id
            for case in record.cases:
                planned.setdefault(case.key, _planned(case, run_id))
        elif isinstance(record, Profiled):
            for outcome in record.cases:
                before = planned.get(outcome.key)
                if before is not None and before["status"] != "ok":
                    before |= {
                        "run_id": run_id,
                        "status": outcome.status,
                        "label": labelled(before["label"], outcome.output),
                        "output": outcome.output,
                        "message": outcome.message or "; ".join(outcome.notes) or None,
                        "verified": outcome.verified,
                        "profile": outcome.profile,
                        "note": record.note,
                    }
    return list(planned.values())


def _planned(planned: Planned, run_id: str) -> dict[str, Any]:
    return {
        **plain(planned.case),
        "key": planned.key,
        "label": planned.label,
        "run_id": run_id,
        "status": "interrupted",
        "message": "planned, but the run ended before it was profiled",
        "verified": None,
        "profile": None,
        "note": None,
    }


def rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """The rows of all cases: per case its total, its roles, its layers and its operators.

    A case without a profile is one row, a total in which nothing is known.
    """
    return [row for case in cases for row in _rows(case)]


def _rows(case: Case) -> list[dict[str, Any]]:
    axes = {name: value for name, value in case.items() if name not in ("profile", "note")}
    if case["profile"] is None:
        return [{**axes, **dict.fromkeys(_UNKNOWN), "part": "total"}]
    found = [total(case), *roles(case), *layers(case), *operators(case)]
    return [{**axes, **dict.fromkeys(_UNKNOWN), **row} for row in found]


def on_device(case: Case) -> bool:
    """Whether a GPU did the work: times are then its own, and launches those of kernels."""
    return str(case["device"]).startswith("cuda")


def _time(case: Case, sums: Sums | Operator) -> int:
    """By the clock that counts, in ns over all recorded calls."""
    return sums.device_ns if on_device(case) else sums.self_ns


def _all_ns(case: Case) -> int:
    """Time of all layers together, in all recorded calls: on a processor exactly that of the calls."""
    profile: Profile = case["profile"]
    return sum(_time(case, way) for layer in profile.layers for way in (layer.forward, layer.backward))


def _per_call(case: Case, count: int) -> int | float:
    """A count per call; whole where every call had the same."""
    calls: int = case["profile"].calls
    return count // calls if count % calls == 0 else count / calls


def total(case: Case) -> dict[str, Any]:
    """A whole call: its time with the profiler, the median without it, launches, peak of memory."""
    profile: Profile = case["profile"]
    memory = profile.memory
    return {
        "part": "total",
        "time_s": statistics.fmean(profile.call_ns) / 1e9,
        "bare_s": statistics.median(profile.bare_ns) / 1e9,
        **_launches(case, profile.layers),
        "peak_memory_bytes": memory.peak_bytes if memory else None,
    }


def roles(case: Case) -> list[dict[str, Any]]:
    """The layers of each role together; every role has its row."""
    some = {role: [layer for layer in case["profile"].layers if layer.role == role] for role in ROLES}
    return [
        {"part": "role", "name": role, "role": role, **_times(case, found), **_launches(case, found)}
        for role, found in some.items()
    ]


def layers(case: Case) -> list[dict[str, Any]]:
    """Every layer, in the order of the network; last what happened in none, and what is not attributed."""
    return [
        {
            "part": "layer",
            "name": layer.layer,
            "role": layer.role,
            "layer_kind": layer.kind or None,
            **_times(case, [layer]),
            **_launches(case, [layer]),
        }
        for layer in case["profile"].layers
    ]


def _times(case: Case, some: Sequence[ProfiledLayer]) -> dict[str, Any]:
    calls, every = case["profile"].calls, _all_ns(case)
    forward = sum(_time(case, layer.forward) for layer in some)
    backward = sum(_time(case, layer.backward) for layer in some)
    return {
        "time_s": (forward + backward) / calls / 1e9,
        "forward_s": forward / calls / 1e9,
        "backward_s": backward / calls / 1e9 if case["phase"] == "train" else None,
        "share": (forward + backward) / every if every else None,
    }


def _launches(case: Case, some: Sequence[ProfiledLayer]) -> dict[str, Any]:
    both = [way for layer in some for way in (layer.forward, layer.backward)]
    launches = _per_call(case, sum(way.launches for way in both))
    return {
        "launches": launches,
        "launches_per_step": launches / case["T"],
        "allocated_bytes": _per_call(case, sum(way.allocated_bytes for way in both)),
    }


def operators(case: Case) -> list[dict[str, Any]]:
    """Every operator and node of autograd per role, the longest first."""
    profile: Profile = case["profile"]
    calls, every = profile.calls, _all_ns(case)
    found = sorted(profile.operators, key=lambda one: -_time(case, one))
    return [
        {
            "part": "operator",
            "name": one.operator,
            "role": one.role,
            "events": _per_call(case, one.calls),
            "time_s": _time(case, one) / calls / 1e9,
            "total_s": one.total_ns / calls / 1e9,
            "share": _time(case, one) / every if every else None,
            "kept_bytes": _per_call(case, one.bytes),
        }
        for one in found
    ]
