"""Figures of a profile: whose the time is, launches per time step, memory over the time of a call."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psubench.experiments.profile import rows as profile_rows
from psubench.experiments.profile.columns import Call
from psubench.experiments.profile.rows import Case
from psubench.experiments.profile.tables import calls, caption
from psubench.render.axes import in_panels
from psubench.render.figures import legend
from psubench.render.figures.save import look
from psubench.render.figures.styles import Style, styles
from psubench.render.numbers import count
from psubench.render.numbers import share as share_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 3.5  # inches: one column of a paper
_ROLES: Mapping[str, tuple[str, str]] = {
    "neuron": ("#0072B2", ""),
    "synapse": ("#E69F00", "////"),
    "other": ("#B3B3B3", "...."),
    "unattributed": ("#FFFFFF", "xxxx"),
}
"""Colour and hatch, told apart in grey too."""
_READABLE = 0.08  # of the axis: a piece that is shorter has no number in it


def figures(cases: Sequence[Case]) -> list[tuple[str, Figure]]:
    """Figures `share`, `launches` and `timeline` by name, of the cases that were profiled."""
    found = [case for case in cases if case.profile]
    if not found:
        return []
    rows = calls(found)
    with look():
        made = [("share", _share(found, rows)), ("launches", _launches(found, rows))]
        if any(profile_rows.known(case).memory for case in found):
            made.append(("timeline", _timeline(found, rows)))
    return made


def _bars(cases: Sequence[Case], rows: Sequence[Call]) -> tuple[Figure, Any]:
    """An empty figure with a line per case, the first on top."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 1.1 + 0.26 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    _foot(figure, cases)
    return figure, axes


def _foot(figure: Figure, cases: Sequence[Case], *more: str) -> None:
    text = "; ".join([caption(cases), *more, "with the profiler on"])
    lines = textwrap.wrap(text, int(figure.get_figwidth() * 23))
    figure.supxlabel("\n".join(lines), fontsize=6, color="#444444")


def _share(cases: Sequence[Case], rows: Sequence[Call]) -> Figure:
    from matplotlib.patches import Patch

    figure, axes = _bars(cases, rows)
    for place, row in enumerate(rows):
        left = 0.0
        for role, (color, hatch) in _ROLES.items():
            share = row.of_role(role) or 0.0
            axes.barh(
                place, share, 0.7, left=left, color=color, hatch=hatch, edgecolor="white", linewidth=0.4
            )
            if share >= _READABLE:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
                axes.text(
                    left + share / 2, place, share_text(share), ha="center", va="center", fontsize=6, bbox=box
                )
            left += share
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_xlabel("share of the GPU's time" if profile_rows.on_device(cases[0]) else "share of a call")
    shown = [role for role in _ROLES if any((row.of_role(role) or 0) >= 0.001 for row in rows)]
    handles = [
        Patch(facecolor=_ROLES[role][0], hatch=_ROLES[role][1], edgecolor="#888888", linewidth=0.3)
        for role in shown
    ]
    figure.legend(handles, shown, loc="outside upper center", ncols=len(shown), frameon=False)
    return figure


def _launches(cases: Sequence[Case], rows: Sequence[Call]) -> Figure:
    figure, axes = _bars(cases, rows)
    looks = _looks(cases, rows)
    largest = max(row.launches_per_step or 0.0 for row in rows) or 1.0
    for place, row in enumerate(rows):
        value, look = row.launches_per_step or 0.0, looks[row.label]
        axes.barh(place, value, 0.7, color=look.color, hatch=look.hatch, edgecolor="white", linewidth=0)
        axes.text(value + 0.01 * largest, place, count(value), va="center", fontsize=6.5)
    axes.set_xlim(0, 1.16 * largest)
    kind = "kernel launches" if profile_rows.on_device(cases[0]) else "operator dispatches"
    axes.set_xlabel(f"{kind} per time step")
    axes.grid(axis="x", linewidth=0.4, color="#dddddd")
    axes.set_axisbelow(True)
    return figure


def _looks(cases: Sequence[Case], rows: Sequence[Call]) -> dict[str, Style]:
    """A style per row: that of its neuron in every other figure."""
    looks = styles(case.label for case in cases)
    return {row.label: looks[case.label] for case, row in zip(cases, rows, strict=True)}


def _timeline(cases: Sequence[Case], rows: Sequence[Call]) -> Figure:
    from matplotlib.figure import Figure

    looks = _looks(cases, rows)
    known = [(case, row) for case, row in zip(cases, rows, strict=True) if profile_rows.known(case).memory]
    groups = in_panels(known)
    figure = Figure(figsize=(_WIDTH, 2.2 * len(groups) + 0.5), layout="constrained")
    panels = figure.subplots(len(groups), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    entries = []
    for axes, some in zip(panels, groups, strict=True):
        entries += [(_memory(axes, case, looks[row.label]), row.label) for case, row in some]
        axes.set_ylabel("MiB above what is held before")
        axes.grid(linewidth=0.4, color="#dddddd")
    panels[-1].set_xlim(left=0)
    panels[-1].set_ylim(bottom=0)
    panels[-1].set_xlabel("ms since the call began")
    legend.above(figure, entries)
    markers = ["marker: the forward pass ends"] if any(case.phase == "train" for case in cases) else []
    _foot(figure, cases, *markers)
    return figure


def _memory(axes: Any, case: Case, look: Style) -> Any:
    """The line of a case, with a marker where its forward pass ends."""
    profile = profile_rows.known(case)
    memory, end = profile.memory, profile.forward_ns
    assert memory is not None
    slices = memory.bytes
    milliseconds = [memory.duration_ns * (i + 0.5) / len(slices) / 1e6 for i in range(len(slices))]
    held = [bytes_ / 2**20 for bytes_ in slices]
    (line,) = axes.plot(milliseconds, held, color=look.color, linestyle=look.dash)
    if case.phase == "train" and end is not None:
        at = min(len(slices) - 1, end * len(slices) // memory.duration_ns)
        face = "white" if look.hollow else look.color
        axes.plot(end / 1e6, held[at], look.marker, color=look.color, markerfacecolor=face)
    return line
