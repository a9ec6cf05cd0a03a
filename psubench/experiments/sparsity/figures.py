"""Figures of a sparsity run: firing rates and energy per layer, feature maps, rates over time, rasters.

`figure5` has the first and the third as the paper's Figure 5. All are drawn from the record alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from psubench.experiments.sparsity import bars, maps
from psubench.experiments.sparsity.rows import Case
from psubench.experiments.sparsity.tables import weights_of
from psubench.experiments.speed.bars import handle as patch
from psubench.render.axes import file_name, in_panels
from psubench.render.figures import legend
from psubench.render.figures.save import look
from psubench.render.figures.styles import Style, styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 7.0  # inches: two columns of a paper
_LETTERS_PER_INCH = 21
_ESTIMATED = ("energy",)


def figures(cases: Sequence[Case]) -> list[tuple[str, Figure]]:
    """Figures by name, one of each kind per model, data, T and weights; what failed is named below them."""
    looks = styles(case.label for case in cases)
    made: list[tuple[str, Figure]] = []
    several = settings(cases)
    with look():
        for setting, group in several.items():
            counted = [case for case in group if case.layers]
            for name, draw in _KINDS.items():
                figure = draw(counted, looks) if counted else None
                if figure is not None:
                    _foot(figure, group, name)
                    made.append((file_name(name, setting if len(several) > 1 else ""), figure))
    return made


def settings(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """Cases by what differs between them beside the neuron."""
    names = ("model", "data", "T", "batch", "dtype", "weights", "policy", "run_id")
    varying = [name for name in names if len({str(getattr(case, name)) for case in cases}) > 1]
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(" ".join(f"{name}={getattr(case, name)}" for name in varying), []).append(case)
    return found


def _rates(cases: Sequence[Case], looks: dict[str, Style]) -> Figure | None:
    if not any(row.role == "neuron" for case in cases for row in case.layers):
        return None
    figure, panels = _stacked(2.1, len(in_panels(cases)))
    bars.rates(panels, cases, looks)
    legend.above(figure, [(patch(looks[case.label]), case.label) for case in cases])
    return figure


def _stacked(height: float, count: int) -> tuple[Figure, list[Any]]:
    """A figure of panels below each other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height * count + 0.4), layout="constrained")
    return figure, list(figure.subplots(count, 1, squeeze=False, sharex=True).flat)


def _energy(cases: Sequence[Case], looks: dict[str, Style]) -> Figure | None:
    count = len(in_panels(cases))
    figure, panels = _stacked(2.0, 2 * count)
    bars.operations(panels[:count], cases, looks)
    bars.energy(panels[count:], cases, looks)
    entries = [(patch(looks[case.label]), case.label) for case in cases]
    legend.above(figure, [*entries, (bars.own_handle(), "of which the neurons themselves")])
    return figure


def _maps(cases: Sequence[Case], looks: dict[str, Style]) -> Figure | None:  # noqa: ARG001
    return maps.maps(cases, _WIDTH)


def _time(cases: Sequence[Case], looks: dict[str, Style]) -> Figure | None:
    from matplotlib.figure import Figure

    layers = maps.layers_with_steps(cases)
    if not layers:
        return None
    groups = in_panels(cases)
    figure = Figure(figsize=(_WIDTH, 1.9 * len(groups) + 0.4), layout="constrained")
    panels = figure.subplots(len(groups), len(layers), sharey=True, squeeze=False)
    for across, some in zip(panels, groups, strict=True):
        for axes, layer in zip(across, layers, strict=True):
            maps.over_time(axes, some, layer, looks)
        across[0].set_ylabel("firing rate")
    panels[0][0].set_ylim(bottom=0)  # shared, so only once all lines are drawn
    legend.above(figure, [(maps.line(looks[case.label]), case.label) for case in cases])
    return figure


def _raster(cases: Sequence[Case], looks: dict[str, Style]) -> Figure | None:
    return maps.raster(cases, looks, _WIDTH)


_KINDS = {
    "firing-rate": _rates,
    "energy": _energy,
    "feature-maps": _maps,
    "activity": _time,
    "raster": _raster,
}


def _foot(figure: Figure, cases: Sequence[Case], name: str) -> None:
    """Below the figure: what was counted, on what, by which estimate, and what is missing."""
    counted = next(case for case in cases if case.layers)
    words = [
        f"{weights_of(cases).removeprefix(', ')}: {counted.model} on {counted.data}",
        f"T = {counted.T}",
    ]
    if name in {"feature-maps", "raster"}:
        words.append(f"first {counted.split} sample")
    else:
        words.append(f"{counted.layers[-1].n_samples} {counted.split} samples")
    words += [counted.note] if counted.note else []
    model = counted.energy_model
    if name in _ESTIMATED and model is not None:
        words.append(f"energy is an estimate: {model.name}, {model.source}, {counted.policy}")
    words += [f"{case.label}: {case.status}" for case in cases if not case.layers]
    words += [f"{case.label}: incomplete" for case in cases if _incomplete(case)]
    text = "\n".join(textwrap.wrap("; ".join(words), int(figure.get_figwidth() * _LETTERS_PER_INCH)))
    figure.supxlabel(text, fontsize=6.5, color="#b00020" if "UNTRAINED" in text else "#444444")


def _incomplete(case: Case) -> bool:
    return bool(case.layers) and not case.layers[-1].complete
