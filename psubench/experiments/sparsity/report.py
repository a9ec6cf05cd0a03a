"""Runs of `psubench sparsity` as a part of a report: spikes, operations, and energy as an estimate."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.sparsity import figures
from psubench.experiments.sparsity import tables as sparsity_tables
from psubench.experiments.sparsity.rows import Case, cases, flat
from psubench.records.structs import Record
from psubench.render.axes import file_name, labels_of, values
from psubench.render.report import facts
from psubench.render.report.parts import Drawing, Part, Section, table

_FIGURES = {
    "firing-rate": "Firing rate of each layer",
    "energy": "Operations and estimated energy of each layer",
    "feature-maps": "Feature maps of one sample",
    "activity": "Firing rate over time",
    "raster": "Spikes of one sample",
}


def part(runs: Sequence[Sequence[Record]]) -> Part:
    """The part of a report that shows runs of this kind.

    Args:
        runs: the records of each, in order.
    """
    found = [case for run in runs for case in cases(run)]
    by_setting: dict[str, list[Case]] = {}
    for case in found:
        by_setting.setdefault(f"{case.model} on {case.data}", []).append(case)
    labels = labels_of(found)
    untrained = any(case.weights.startswith("untrained") for case in found)
    return Part(
        title="Sparsity",
        headline=f"Spikes and operations of {facts.listed(labels)}",
        warnings=("Untrained weights: firing rates say nothing about trained networks.",)
        if untrained
        else (),
        protocol=_protocol(found),
        sections=tuple(_section(name, some, runs, len(by_setting) > 1) for name, some in by_setting.items()),
        overview=(),
        facts=about(found, runs),
    )


def _section(name: str, found: Sequence[Case], runs: Sequence[Sequence[Record]], several: bool) -> Section:
    suffix = name if several else ""
    drawings = []
    for kind, figure in figures.figures(found):
        start = next(start for start in _FIGURES if kind.startswith(start))
        caption = f"{_FIGURES[start]}{sparsity_tables.weights_of(found)}."
        labels = facts.listed([case.label for case in found])
        alt = f"{caption} A series for each of {labels}. The tables hold the numbers."
        drawings.append(Drawing(file_name(kind, suffix), caption, alt, figure, wide=True))
    counted = [case for case in found if case.layers]
    told = f"All layers: {sparsity_tables.caption(found)}"
    grids = {
        "totals": sparsity_tables.totals(counted, told),
        "layers": sparsity_tables.every_layer(counted, "Every layer, per sample"),
    }
    return Section(
        title=name,
        says=tuple(sparsity_tables.verdict_lines(found)),
        drawings=tuple(drawings),
        tables=tuple(table(g, file_name(name, suffix)) for name, g in grids.items()) if counted else (),
        failed=tuple(sparsity_tables.notes(found)),
        notes=tuple(sparsity_tables.estimates(found)),
        facts=about(found, runs),
    )


def about(found: Sequence[Case], runs: Sequence[Sequence[Record]]) -> dict[str, str]:
    """Name -> text, for captions."""
    names = ("model", "T", "batch", "dtype", "device", "weights", "policy")
    axes = {name: ", ".join(values(found, name)) for name in names}
    data = ", ".join(dict.fromkeys(facts.data(case.data) for case in found))
    models = dict.fromkeys(str(row.energy_model) for row in flat(found))
    samples = dict.fromkeys(str(row.n_samples) for case in found for row in case.layers[-1:])
    return {
        **facts.of_rows(found, runs),
        **axes,
        "data": data,
        "samples": ", ".join(samples) or facts.UNKNOWN,
        "energy": f"an estimate by {', '.join(models)}",
    }


def _protocol(found: Sequence[Case]) -> dict[str, str]:
    counted = [case for case in found if case.layers]
    complete = [case for case in counted if case.layers[-1].complete]
    return {
        "cases": f"{len(counted)} of {len(found)} were counted",
        "complete": f"in {len(complete)} of {len(counted)} every operation with weights was counted",
        "SOPs": "for each input that is not 0, the outputs that it really reaches",
        "energy": "operations times picojoule of the model that is named: an estimate, nothing was measured",
    }
