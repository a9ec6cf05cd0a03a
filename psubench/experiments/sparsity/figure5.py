"""The paper's Figure 5: firing rates of the layers of a network, and feature maps of one sample."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from psubench.experiments.sparsity import bars, maps
from psubench.experiments.sparsity.figures import settings
from psubench.experiments.sparsity.rows import Case
from psubench.experiments.sparsity.tables import weights_of
from psubench.experiments.speed.bars import handle
from psubench.experiments.written import Named, renamed
from psubench.render.axes import in_panels
from psubench.render.figures import legend
from psubench.render.figures.save import look
from psubench.render.figures.styles import Style, styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEIGHT = 1.5  # inches of a panel of firing rates
_WIDE, _MANY, _FEW = 6.0, 4, 2
"""Inches of a figure, and channels of a layer in one that is as wide and in one that is not."""


def printed(found: Sequence[Case], named: Named, width: float) -> tuple[str, Figure] | str:
    """Caption and figure for a paper, or why there is none; of several settings the first with both parts."""
    several = settings([case for case in found if case.layers and case.layers[-1].neuron_steps])
    if not several:
        return "no run of psubench sparsity has counted a spiking layer"
    cases = max(several.values(), key=lambda some: any(case.maps for case in some))
    looks = {named(label): style for label, style in styles(case.label for case in cases).items()}
    cases = [_numbered(case) for case in renamed(cases, named)]
    pictured = [case for case in cases if case.maps]
    with look():
        figure = _draw(cases, pictured, looks, width)
    case = cases[0]
    told = [
        f"Firing rates of the spiking layers of {case.model} and of the whole network, over "
        f"{case.layers[-1].n_samples} {case.split} samples{weights_of(cases)}"
    ]
    if pictured:
        shown = "; ".join(
            f"{one.layer}: {', '.join(map(str, maps.channels(one, _most(width))))}"
            for one in pictured[0].maps
        )
        told[0] = f"(a) {told[0]}"
        told.append(f"(b) Firing rates over T of channels of the first {case.split} sample ({shown})")
    told += [f"{one.label}: {one.status}" for one in renamed(found, named) if not one.layers]
    told += [f"1 of {len(several)} settings is drawn"] * (len(several) > 1)
    return ". ".join(told) + ".", figure


def _numbered(case: Case) -> Case:
    """With `layer 1` for the `neuron1` of a built-in network."""

    def name(layer: str) -> str:
        return re.sub(r"^neuron(?=\d+$)", "layer ", layer)

    layers = [replace(one, layer=one.layer and name(one.layer)) for one in case.layers]
    return replace(case, layers=layers, maps=[replace(one, layer=name(one.layer)) for one in case.maps])


def _most(width: float) -> int:
    return _MANY if width >= _WIDE else _FEW


def _draw(
    cases: Sequence[Case], pictured: Sequence[Case], looks: Mapping[str, Style], width: float
) -> Figure:
    from matplotlib.figure import Figure

    count = len(in_panels(cases))
    heights = [_HEIGHT * count + 0.5, *([maps.height(pictured, width, _most(width))] if pictured else [])]
    figure = Figure(figsize=(width, sum(heights)), layout=maps.close())
    parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    bars.rates(list(parts[0].subplots(count, 1, squeeze=False, sharex=True).flat), cases, looks)
    legend.above(parts[0], [(handle(looks[case.label]), case.label) for case in cases])
    if pictured:
        maps.tiles(parts[1], pictured, _most(width))
        for part, letter in zip(parts, "ab", strict=True):
            part.text(0.0, 1.0, f"({letter})", ha="left", va="top", fontsize=8)
    return figure
