"""The paper's Figure 4: the time ratio of each neuron, a row of panels per network, a column per phase."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired import frame, large, setting
from psubench.experiments.speed import bars, dots
from psubench.experiments.speed.rows import SpeedRow
from psubench.experiments.written import Named, renamed
from psubench.render.axes import PHASES, labels_of, phases_of
from psubench.render.figures import legend
from psubench.render.figures.save import look
from psubench.render.figures.styles import Style, styles
from psubench.render.numbers import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Panels = Mapping[str, Sequence[SpeedRow]]
"""What is written above a row of panels -> its rows."""
_HEIGHT = 1.9  # inches per row of panels
_NARROW = 5.0  # inches: two columns of a paper are wider
_BAR = 0.055  # inches: the least width of a bar
_MOST_LINES = 40
"""Of a dot plot."""
_PAGE = 8.0  # inches of panels that a page has room for


def draw(networks: Panels, looks: Mapping[str, Style], width: float) -> Figure:
    """All networks of a run in one figure. A serial neuron that ran step by step is a series of its own."""
    from matplotlib.figure import Figure

    every = [row for rows in networks.values() for row in rows]
    phases = [phase for phase in PHASES if phase in phases_of(every)]
    across = _across(networks, len(phases), width)
    heights = [_height(rows) for rows in networks.values() for _ in range(len(phases) // across)]
    figure = Figure(figsize=(width, sum(heights) + 0.4), layout="constrained")
    panels = figure.subplots(len(heights), across, squeeze=False, height_ratios=heights)
    for line, (title, rows) in zip(panels.reshape(len(networks), -1), networks.items(), strict=True):
        _row(line, rows, title, {phase: PHASES[phase] for phase in phases}, looks)
        for axes in line[1:] if across > 1 else []:
            if dots.needed(_others(rows)):
                axes.tick_params(labelleft=False)
            axes.set_ylabel("")
    barred = [row for rows in networks.values() if not dots.needed(_others(rows)) for row in _others(rows)]
    labels = labels_of(barred)
    handles = [bars.handle(looks[label]) for label in labels]
    legend.above(figure, list(zip(handles, frame.names(barred, labels), strict=True)))
    return figure


def _others(rows: Sequence[SpeedRow]) -> list[SpeedRow]:
    return [row for row in rows if not row.is_reference]


def _across(networks: Panels, phases: int, width: float) -> int:
    """Panels beside each other: all phases where their bars are wide enough, else one."""
    barred = [some for rows in networks.values() if not dots.needed(some := _others(rows))]
    most = max((len(labels_of(some)) * len({row.T for row in some}) for some in barred), default=0)
    return phases if (width - 0.6) / phases >= most * _BAR or width > _NARROW else 1


def _height(rows: Sequence[SpeedRow]) -> float:
    return dots.LINE * len(_places(rows)) + 0.6 if dots.needed(_others(rows)) else _HEIGHT


def _places(rows: Sequence[SpeedRow]) -> list[tuple[int, str]]:
    """T and label of every line of a dot plot; before those of each T, where there are several, its name."""
    labels = labels_of(_others(rows))
    Ts = large.spread(sorted({row.T for row in rows}), max(2, _MOST_LINES // len(labels)))
    return [(T, label) for T in Ts for label in (*[""] * (len(Ts) > 1), *labels)]


def _row(
    panels: Any,
    rows: Sequence[SpeedRow],
    title: str,
    phases: Mapping[str, str],
    looks: Mapping[str, Style],
) -> None:
    """The panels of one network, on one scale."""
    drawn, width = [], panels[0].figure.get_figwidth()
    wide = width > _NARROW
    for axes, (phase, name) in zip(panels, phases.items(), strict=True):
        some = _others([row for row in rows if row.phase == phase])
        if not any(row.ratio is not None for row in some):
            axes.set_axis_off()
            continue
        drawn.append(axes)
        words = textwrap.wrap(
            ": ".join(filter(None, (name, title))), int(16 * width / axes.get_gridspec().ncols)
        )
        axes.set_title("\n".join(words), fontsize=7)
        if dots.needed(_others(rows)):
            dots.draw(axes, some, _places(rows), dots.RATIO, looks)
            axes.set_xlabel(f"{'time ratio ' if wide else ''}{bars.quotient(rows)}")
        else:
            bars.draw(
                axes, [row for row in rows if row.phase == phase], labels_of(_others(rows)), dict(looks)
            )
            axes.set_xlabel("number of time steps T" if wide else "time steps T")
            axes.set_ylabel(bars.axis_label(rows) if wide else f"time ratio\n{bars.quotient(rows)}")
    if drawn and dots.needed(_others(rows)):
        dots.scale(drawn, dots.RATIO, 6)
    elif drawn:
        bars.same_limits(drawn)


def printed(rows: Sequence[SpeedRow], named: Named, width: float) -> tuple[str, Figure] | str:
    """Caption and figure for a paper, or why there is none."""
    rows = paired_axes.distinct(rows)
    looks = {named(label): style for label, style in styles(row.label for row in rows).items()}
    rows = renamed(rows, named)
    settings = {
        name: some
        for name, some in paired_axes.settings(rows).items()
        if any(row.ratio is not None for row in some if not row.is_reference)
    }
    if not settings:
        return "no run of psubench speed holds a time ratio"
    drawn = {name: large.drawn(some, large.MOST_BARS) for name, some in settings.items()}
    shown = _fitting({name: some for name, (some, _) in drawn.items()}, width)
    with look():
        figure = draw(_titled(shown), looks, width)
    every = [row for some in shown.values() for row in some]
    told = [
        f"Simulation-time ratio {bars.quotient(every)}; above 1 a neuron is faster", marks(every),
        *(["the clock is scripted (fake): this is not a measurement"] * bool(setting.warnings(every))),
        *frame.without(every), *filter(None, (drawn[name][1].removeprefix("; ") for name in shown)),
    ]  # fmt: skip
    if len(shown) < len(settings):
        told.append(f"{len(shown)} of {len(settings)} settings are drawn, {large.ELSEWHERE}")
    return "; ".join(told) + ".", figure


def _fitting(settings: Panels, width: float) -> dict[str, Sequence[SpeedRow]]:
    """The first settings, as many as a page has room for."""
    found: dict[str, Sequence[SpeedRow]] = {}
    for name, rows in settings.items():
        more = {**found, name: rows}
        phases = len(phases_of([row for some in more.values() for row in some]))
        down = phases // _across(more, phases, width)
        if found and sum(_height(some) * down for some in more.values()) > _PAGE:
            break
        found = more
    return found


def _titled(settings: Panels) -> dict[str, Sequence[SpeedRow]]:
    """The settings by network alone where that tells them apart; a single one needs no title."""
    if len(settings) == 1:
        return {"": next(iter(settings.values()))}
    short = {"one layer" if rows[0].model == "neuron" else rows[0].model: rows for rows in settings.values()}
    return short if len(short) == len(settings) else {setting.title(r, s): r for s, r in settings.items()}


def marks(rows: Sequence[SpeedRow]) -> str:
    """What error bars and the grey band mean."""
    floors = [row.noise_floor for row in rows if row.noise_floor is not None]
    ends = dict.fromkeys(f"±{percent(floor)}" for floor in (min(floors), max(floors))) if floors else {}
    found = f"({' to '.join(ends)})" if ends else "unknown"
    return f"bars: 95 % interval; grey: noise floor {found}"
