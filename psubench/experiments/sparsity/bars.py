"""Bars per layer, grouped by neuron: firing rates, operations, energy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from psubench.experiments.sparsity.columns import per_sample
from psubench.experiments.sparsity.rows import Case
from psubench.records.counted import Layer
from psubench.render.axes import in_panels
from psubench.render.figures.styles import Style
from psubench.render.numbers import COUNTS, PICOJOULES, unit_of

_GROUP = 0.84  # width of a group of bars; 1 is the distance of two groups
_OWN_HATCH = "xxxxx"


def rates(panels: Sequence[Any], cases: Sequence[Case], looks: Mapping[str, Style]) -> None:
    """Firing rate of every spiking layer, and of the network."""
    names = _layers(cases, "neuron")
    for axes, some in zip(panels, in_panels(cases), strict=True):
        for place, case in enumerate(some):
            rows = {row.layer: row for row in case.layers}
            for group, name in enumerate([*names, "total"]):
                value = rows[name].firing_rate if name in rows else None
                _bar(axes, group, place, len(some), [value], looks[case.label])
        wide = axes.figure.bbox.width > 5 * axes.figure.dpi
        axes.set_ylabel("firing rate\n(spikes per neuron and step)" if wide else "firing rate")
    _frame(panels, [*names, "network"])


def operations(panels: Sequence[Any], cases: Sequence[Case], looks: Mapping[str, Style]) -> None:
    """Effective synaptic operations of each layer, and the multiply-accumulates of its neurons on top."""
    synapse, own = (partial(_value, name=name) for name in ("sop_eff", "dynamics_mac"))
    _stacked(panels, cases, looks, synapse, own, COUNTS, "operations\nper sample")


def energy(panels: Sequence[Any], cases: Sequence[Case], looks: Mapping[str, Style]) -> None:
    """Estimate of the energy of every layer's synapses, and of its neurons on top."""

    def of(role: str) -> Callable[[Layer], float | None]:
        return lambda row: _value(row, "energy_pj") if row.role == role else 0.0

    _stacked(panels, cases, looks, of("synapse"), of("neuron"), PICOJOULES, "estimated energy\nper sample")


def _value(row: Layer, name: str) -> float | None:
    """Per sample; a column that a row of its role does not have adds nothing."""
    has = {"sop_eff": "synapse", "dynamics_mac": "neuron"}.get(name, row.role)
    return per_sample(row, name) if row.role == has else 0.0


def _stacked(
    panels: Sequence[Any],
    cases: Sequence[Case],
    looks: Mapping[str, Style],
    synapse: Callable[[Layer], float | None],
    own: Callable[[Layer], float | None],
    units: Mapping[str, float],
    label: str,
) -> None:
    known = [
        sum(filter(None, pair))
        for case in cases
        for _, rows in _stages(case)
        for pair in [_parts(rows, synapse, own)]
    ]
    unit = unit_of(max(known, default=0.0), units)
    for axes, some in zip(panels, in_panels(cases), strict=True):
        for place, case in enumerate(some):
            for group, (_, rows) in enumerate(_stages(case)):
                scaled = [None if v is None else v / units[unit] for v in _parts(rows, synapse, own)]
                _bar(axes, group, place, len(some), scaled, looks[case.label])
        axes.set_ylabel(f"{label}{f' ({unit})' if unit else ''}")
    _frame(panels, [name for name, _ in max(map(_stages, cases), key=len)])


def _parts(rows: Sequence[Layer], *of: Callable[[Layer], float | None]) -> list[float | None]:
    """The heights of the parts of a bar."""
    return [_sum(part(row) for row in rows) for part in of]


def _stages(case: Case) -> list[tuple[str, list[Layer]]]:
    """Layers from one spiking layer to the next: synapses with the neurons behind them, under their name."""
    stages: list[tuple[str, list[Layer]]] = []
    open_rows: list[Layer] = []
    for row in case.layers[:-1]:
        open_rows.append(row)
        if row.role == "neuron":
            stages.append((_named(open_rows), open_rows))
            open_rows = []
    return [*stages, (_named(open_rows), open_rows)] if open_rows else stages


def _named(rows: Sequence[Layer]) -> str:
    return next((str(row.layer) for row in rows if row.role == "synapse"), str(rows[0].layer))


def _sum(values: Any) -> float | None:
    found = list(values)
    return None if None in found else float(sum(found))


def _layers(cases: Sequence[Case], role: str) -> list[str]:
    return list(dict.fromkeys(row.layer for case in cases for row in case.layers if row.role == role))


def _bar(axes: Any, group: int, place: int, of: int, heights: Sequence[float | None], look: Style) -> None:
    """A bar of up to two parts; a question mark in the place of what is unknown."""
    x = group + _GROUP * ((place + 0.5) / of - 0.5)
    width = _GROUP / of * 0.94
    bottom = 0.0
    for number, height in enumerate(heights):
        if height is None:
            axes.text(x, bottom, "?", ha="center", va="bottom", fontsize=7, color="#333333")
            return
        if number == 0:
            axes.bar(x, height, width, color=look.color, hatch=look.hatch, edgecolor="white", linewidth=0)
        elif height:
            axes.bar(
                x, height, width, bottom=bottom, color="white", hatch=_OWN_HATCH, edgecolor=look.color,
                linewidth=0.5,
            )  # fmt: skip
        bottom += height


def own_handle() -> Any:
    """What the legend shows for the part of the neurons."""
    from matplotlib.patches import Patch

    return Patch(facecolor="white", hatch=_OWN_HATCH, edgecolor="#555555", linewidth=0.5)


def _frame(panels: Sequence[Any], names: Sequence[str]) -> None:
    """Names of the layers, by their numbers alone where a narrow figure has room for no more; one scale."""
    numbers = [re.sub(r"^\D*(?=\d+$)", "", name) for name in names]
    figure = panels[0].figure
    letters = 12 * figure.bbox.width / figure.dpi
    long = max(map(len, names)) * len(names) > letters
    shown = numbers if long and len({*numbers}) == len(names) else names
    turned = long and shown is names
    top = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_xticks(range(len(names)), shown, rotation=30 * turned, ha="right" if turned else "center")
        axes.set_xlim(-0.55, len(names) - 0.45)
        axes.set_ylim(0, top)
        axes.tick_params(axis="x", length=0)
        axes.grid(axis="y", linewidth=0.4, color="#dddddd")
        axes.set_axisbelow(True)
    if shown is numbers:
        panels[-1].set_xlabel("layer")
