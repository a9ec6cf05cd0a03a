"""Where and when spikes are: maps of channels, rates over time, rasters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from psubench.experiments.sparsity.rows import Case
from psubench.records.counted import Map, Raster
from psubench.render.figures.lines import handle
from psubench.render.figures.styles import Style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

S = TypeVar("S")
_MOST_PANELS, _MOST_CHANNELS = 4, 8
_GAP = 0.3  # of a picture's width
_BESIDE = 1.0  # inches of the names and of the scale
line = handle
"""What the legend shows for a line."""


def maps(cases: Sequence[Case], width: float) -> Figure | None:
    """Spikes over T of some channels of some layers of one sample: a row per neuron, one scale for all."""
    from matplotlib.figure import Figure

    cases = [case for case in cases if case.maps]
    if not cases:
        return None
    figure = Figure(figsize=(width, height(cases, width) + 0.2), layout=close())
    tiles(figure, cases)
    return figure


def close() -> Any:
    """A layout with little room between pictures."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)


def height(cases: Sequence[Case], width: float, most: int = _MOST_CHANNELS) -> float:
    """Inches that the pictures of cases take, each as high as it is wide."""
    return (width - _BESIDE) / sum(_ratios(cases, most)) * len(cases) + 0.6


def channels(found: Map, most: int) -> list[int]:
    """The channels of a layer that are drawn, numbered from 0."""
    return _spread(found.channels, most)


def _ratios(cases: Sequence[Case], most: int) -> list[float]:
    """Widths of the columns: a narrow one without a picture stands between two layers."""
    counts = [min(most, len(found.channels)) for found in cases[0].maps]
    return [ratio for count in counts for ratio in (*[1.0] * count, _GAP)][:-1]


def tiles(figure: Any, cases: Sequence[Case], most: int = _MOST_CHANNELS) -> None:
    """Draws the maps of at most `most` channels of each layer into a figure, or into a part of one."""
    ratios = _ratios(cases, most)
    grid = figure.subplots(len(cases), len(ratios), squeeze=False, width_ratios=ratios)
    pictures = [_rates(case, most) for case in cases]
    top = _bright(pictures)
    for axes_row, case, of_case in zip(grid, cases, pictures, strict=True):
        places = [axes for axes, ratio in zip(axes_row, ratios, strict=True) if ratio != _GAP]
        for axes in axes_row:
            axes.set_axis_off()
        for axes, picture in zip(places, of_case, strict=True):
            image = axes.imshow(picture, vmin=0, vmax=top, cmap="magma", interpolation="nearest")
        places[0].text(
            -0.08, 0.5, case.label, transform=places[0].transAxes, ha="right", va="center", fontsize=8
        )
    layers = [(found.layer, channels(found, most)) for found in cases[0].maps]
    _name_columns([axes for axes, ratio in zip(grid[0], ratios, strict=True) if ratio != _GAP], layers)
    bar = figure.colorbar(image, ax=grid, fraction=0.02, pad=0.01, aspect=30, extend="max")
    bar.set_label("firing rate over T", fontsize=7)
    bar.outline.set_linewidth(0.4)


def _name_columns(tiles: Sequence[Any], layers: Sequence[tuple[str, Sequence[int]]]) -> None:
    place = 0
    for layer, channels in layers:
        for axes, channel in zip(tiles[place : place + len(channels)], channels, strict=True):
            # The first line is the layer's.
            axes.set_title(f" \nch. {channel}", fontsize=7, pad=2, linespacing=1.5)
        name = tiles[place].annotate(
            layer, (len(channels) / 2 * 1.03, 1), (0, 10), xycoords="axes fraction",
            textcoords="offset points", ha="center", va="bottom", fontsize=8,
        )  # fmt: skip
        name.set_in_layout(False)  # it lies over several pictures, which must not make room for it
        place += len(channels)


def _bright(pictures: Sequence[Sequence[Sequence[Sequence[float]]]]) -> float:
    """The rate below which all but one in two hundred pixels lie: a few bright ones would darken the rest."""
    rates = sorted(rate for of_case in pictures for picture in of_case for row in picture for rate in row)
    return rates[int(0.995 * (len(rates) - 1))] or rates[-1] or 1.0


def _rates(case: Case, most: int) -> list[list[list[float]]]:
    """Pictures of the channels of all layers, one after the other."""
    return [
        [[spikes / case.T for spikes in row] for row in picture]
        for found in case.maps
        for picture in _spread(found.spikes, most)
    ]


def layers_with_steps(cases: Sequence[Case]) -> list[str]:
    """At most so many spiking layers as have a panel, evenly spread; the last is the whole network."""
    names = list(
        dict.fromkeys(
            row.layer for case in cases for row in case.layers if row.role == "neuron"
            and row.spikes_per_step
        )
    )  # fmt: skip
    return [*_spread(names, _MOST_PANELS - 1), "network"] if names else []


def _spread(every: Sequence[S], most: int) -> list[S]:
    """At most so many, evenly spread."""
    if len(every) <= most:
        return list(every)
    return [every[round(i * (len(every) - 1) / (most - 1))] for i in range(most)]


def over_time(axes: Any, cases: Sequence[Case], layer: str, looks: Mapping[str, Style]) -> None:
    """Firing rate against the step, of one layer or of the `network`."""
    for case in cases:
        rows = [
            row
            for row in case.layers
            if row.role == "neuron" and row.spikes_per_step and layer in (row.layer, "network")
        ]
        if not rows:
            continue
        per_step = sum(row.neuron_steps or 0 for row in rows) / case.T
        spikes = [sum(step) for step in zip(*(row.spikes_per_step or () for row in rows), strict=True)]
        look = looks[case.label]
        axes.plot(
            range(1, len(spikes) + 1), [count / per_step for count in spikes], color=look.color,
            marker=look.marker, linestyle=look.dash, markersize=3,
            markerfacecolor="white" if look.hollow else look.color, markeredgewidth=0.8,
            markevery=max(1, len(spikes) // 12),
        )  # fmt: skip
    axes.set_title(layer)
    axes.set_xlabel("time step")
    axes.grid(axis="y", linewidth=0.4, color="#dddddd")
    axes.set_axisbelow(True)
    axes.xaxis.get_major_locator().set_params(integer=True)


def raster(cases: Sequence[Case], looks: Mapping[str, Style], width: float) -> Figure | None:
    """Spikes of some neurons of one sample: a row per neuron model, a column per layer."""
    from matplotlib.figure import Figure

    cases = [case for case in cases if case.raster]
    if not cases:
        return None
    names = _spread([found.layer for found in cases[0].raster], _MOST_PANELS)
    figure = Figure(figsize=(width, 0.8 * len(cases) + 0.8), layout="constrained")
    grid = figure.subplots(len(cases), len(names), squeeze=False, sharex=True)
    for axes_row, case in zip(grid, cases, strict=True):
        found = {layer.layer: layer for layer in case.raster}
        for axes, name in zip(axes_row, names, strict=True):
            if name in found:
                _spikes(axes, found[name], case.T, looks[case.label].color)
        axes_row[0].set_ylabel(case.label)
    for axes, name in zip(grid[0], names, strict=True):
        of = next(layer for layer in cases[0].raster if layer.layer == name)
        axes.set_title(f"{name}: {len(of.neurons)} of {of.of:,} neurons", fontsize=7)
    for axes in grid[:-1].flat:
        axes.tick_params(axis="x", length=0)
    for axes in grid[-1]:
        axes.set_xlabel("time step")
    return figure


def _spikes(axes: Any, layer: Raster, T: int, color: str) -> None:
    times: list[list[float]] = [[] for _ in layer.neurons]
    for t, neuron in layer.spikes:
        times[neuron].append(t + 1)
    axes.eventplot(times, colors=color, linelengths=0.9, linewidths=max(0.6, min(4, 40 / T)))
    axes.set_xlim(0.4, T + 0.6)
    axes.set_ylim(-1, len(times))
    axes.set_yticks([])
    axes.xaxis.get_major_locator().set_params(integer=True)
