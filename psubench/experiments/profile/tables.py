"""A profile as tables: one of all cases, one of the operators of each, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from psubench.errors import one_line
from psubench.experiments import outputs
from psubench.experiments.profile import rows as profile_rows
from psubench.experiments.profile.columns import Call, shown
from psubench.experiments.profile.rows import Case
from psubench.render.grid import Grid, Sheet
from psubench.render.numbers import count, ratio

MOST_OPERATORS = 10
"""That a table shows; the CSV file has them all."""
_AXES = ("model", "data", "T", "batch", "size", "device", "dtype", "phase", "threads")


def sheet(cases: Sequence[Case]) -> Sheet:
    """What cases show: a table of all, one of the operators of each, and what they say."""
    grid = Grid("", shown("calls"), calls(cases))
    blocks: list[Grid | Sequence[str]] = [grid] if grid.rows else []
    for case in (case for case in cases if case.profile):
        count = len(profile_rows.operators(case))
        heading = f"{title(case, cases)}: {min(MOST_OPERATORS, count)} of {count} operators"
        blocks.append(operators(case, heading))
    said = [*notes(cases), *meaning(cases)]
    blocks.append([*notes(cases), *verdict_lines(cases), *meaning(cases)])
    return Sheet(caption(cases), blocks, [grid], notes=said)


def operators(case: Case, title: str) -> Grid:
    """The operators of a profiled case that take the most time."""
    return Grid(title, shown("operators"), profile_rows.operators(case)[:MOST_OPERATORS])


def calls(cases: Sequence[Case]) -> list[Call]:
    """A row per profiled case: its total, with the share of every role."""
    several = _varying(cases)
    return [_call(case, title(case, cases) if several else case.label) for case in cases if case.profile]


def _call(case: Case, label: str) -> Call:
    shares: dict[str, Any] = {f"{role.name}_share": role.share for role in profile_rows.roles(case)}
    return Call(**asdict(profile_rows.total(case)), label=label, **shares)


def caption(cases: Sequence[Case]) -> str:
    """One sentence: every axis that is equal in all cases."""
    several = _varying(cases)
    first = cases[0]
    return ", ".join(
        f"{name} {getattr(first, name)}" for name in _AXES if name not in several and getattr(first, name)
    )


def _varying(cases: Sequence[Case]) -> list[str]:
    return [name for name in _AXES if len({getattr(case, name) for case in cases}) > 1]


def title(case: Case, cases: Sequence[Case]) -> str:
    """The neuron and what else tells a case from the others of a run."""
    axes = " ".join(f"{name}={getattr(case, name)}" for name in _varying(cases))
    return f"{case.label} {axes}".strip()


def notes(cases: Sequence[Case]) -> list[str]:
    """Why cases have no profile, or none that a reference has confirmed."""
    bad = [
        f"{title(case, cases)}: {case.status}: {one_line(case.message or 'no message')}"
        for case in cases
        if case.status != "ok"
    ]
    doubted = [
        f"{title(case, cases)}: unverified: no reference has confirmed its spikes"
        for case in cases
        if case.status == "ok" and case.verified is not True
    ]
    said = [
        f"{title(case, cases)}: {one_line(case.message)}"
        for case in cases
        if case.status == "ok" and case.message
    ]
    return [*bad, *doubted, *said, *outputs.lines(cases)]


def verdict_lines(cases: Sequence[Case]) -> list[str]:
    """How the launches of each case compare with those of the first."""
    found = [(case, profile_rows.total(case).launches_per_step or 0.0) for case in cases if case.profile]
    if len(found) < 2 or not all(launches for _, launches in found):
        return []
    (first, most), *rest = found
    name = title(first, cases)
    lines = [f"{name} launches {count(most)} per time step"]
    for case, launches in rest:
        factor = most / launches
        word = f"{ratio(factor)} fewer" if factor > 1 else f"{ratio(1 / factor)} more"
        word = "as many as" if factor == 1 else f"{word} than"
        lines.append(f"{title(case, cases)} launches {count(launches)} per time step, {word} {name}")
    return lines


def meaning(cases: Sequence[Case]) -> list[str]:
    """What the numbers are, in sentences that stand under every table."""
    if not any(case.profile for case in cases):
        return []
    gpu = any(profile_rows.on_device(case) for case in cases)
    launch = "a kernel launch" if gpu else "an operator that does work, called from Python or by autograd"
    share = "of the GPU's time" if gpu else "of a call, operators and what is between them"
    return [
        f"A launch is {launch}. Shares are {share}. Synapses are the layers with a weight matrix",
        "The profiler makes every operator dearer, so many small ones look worse than they are: compare "
        "shares and launches here, and times in `psubench speed`",
        "Traces, for https://ui.perfetto.dev, in the folder of the run: "
        + ", ".join(case.profile.trace for case in cases if case.profile),
    ]
