"""Runs of `psubench sparsity` as a part of a report: spikes, operations, and energy as an estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired import setting
from psubench.experiments.paired.columns import UNKNOWN, Row
from psubench.experiments.sparsity import figures
from psubench.experiments.sparsity import tables as sparsity_tables
from psubench.experiments.sparsity.columns import Column, Show, shown
from psubench.experiments.sparsity.rows import cases, flat
from psubench.records.structs import Record
from psubench.render.report import facts
from psubench.render.report.parts import Cell, Drawing, Head, Part, Section, Table

if TYPE_CHECKING:
    from psubench.experiments.sparsity.tables import Case

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
        by_setting.setdefault(f"{case['model']} on {case['data']}", []).append(case)
    labels = list(dict.fromkeys(case["label"] for case in found))
    untrained = any(case["weights"].startswith("untrained") for case in found)
    return Part(
        title="Sparsity",
        headline=f"Spikes and operations of {setting.listed(labels)}",
        warnings=("Untrained weights: firing rates say nothing about trained networks.",)
        if untrained
        else (),
        protocol=_protocol(found),
        sections=tuple(_section(name, some, runs, len(by_setting) > 1) for name, some in by_setting.items()),
        overview=(),
        facts=_facts(found, runs),
    )


def _section(name: str, found: Sequence[Case], runs: Sequence[Sequence[Record]], several: bool) -> Section:
    suffix = name if several else ""
    drawings = []
    for kind, figure in figures.figures(found):
        start = next(start for start in _FIGURES if kind.startswith(start))
        caption = f"{_FIGURES[start]}{sparsity_tables.weights_of(found)}."
        labels = setting.listed([case["label"] for case in found])
        alt = f"{caption} A series for each of {labels}. The tables hold the numbers."
        drawings.append(Drawing(paired_axes.file_name(kind, suffix), caption, alt, figure, wide=True))
    counted = [case for case in found if case["layers"]]
    totals = [row for row in flat(counted) if row["role"] == "total"]
    tables = [
        _table(
            totals,
            Show.TOTALS,
            paired_axes.file_name("totals", suffix),
            f"All layers: {sparsity_tables.caption(found)}",
        ),
        _table(flat(counted), Show.PAPER, paired_axes.file_name("layers", suffix), "Every layer, per sample"),
    ]
    return Section(
        title=name,
        says=tuple(sparsity_tables.verdict_lines(found)),
        drawings=tuple(drawings),
        paper=tuple(drawings),
        tables=tuple(tables) if counted else (),
        failed=tuple(sparsity_tables.notes(found)),
        notes=tuple(sparsity_tables.estimates(found)),
        facts=_facts(found, runs),
    )


def _table(rows: Sequence[Row], where: Show, name: str, caption: str) -> Table:
    columns = shown(rows, where)
    made = [column.cells(rows) for column in columns]
    heads = tuple(
        Head(head, column.right, names_row=column.name in ("label", "layer"))
        for column, (head, _) in zip(columns, made, strict=True)
    )
    texts = zip(*(cells for _, cells in made), strict=True)
    lines = tuple(
        tuple(_cell(column, row, text) for column, text in zip(columns, line, strict=True))
        for row, line in zip(rows, texts, strict=True)
    )
    labels = [place for place, column in enumerate(columns) if column.name == "label"]
    return Table(name, caption, heads, lines, groups=labels[0] if where is Show.PAPER else None)


def _cell(column: Column, row: Row, text: str) -> Cell:
    if text == UNKNOWN:
        return Cell(text)
    value = row.get(column.name)
    order = value if isinstance(value, int | float) and not isinstance(value, bool) else text
    return Cell(text, order, tone="" if row["complete"] else "doubt")


def _facts(found: Sequence[Case], runs: Sequence[Sequence[Record]]) -> dict[str, str]:
    def said(name: str) -> str:
        return ", ".join(dict.fromkeys(str(case[name]) for case in found))

    data = ", ".join(dict.fromkeys(setting.data(str(case["data"])) for case in found))
    axes = {name: said(name) for name in ("model", "T", "batch", "dtype", "device", "weights", "policy")}
    models = dict.fromkeys(str(row["energy_model"]) for row in flat(found))
    samples = dict.fromkeys(str(row["n_samples"]) for case in found for row in case["layers"][-1:])
    return {
        **facts.of_rows(found, runs),
        **axes,
        "data": data,
        "samples": ", ".join(samples) or facts.UNKNOWN,
        "energy": f"an estimate by {', '.join(models)}",
    }


def _protocol(found: Sequence[Case]) -> dict[str, str]:
    counted = [case for case in found if case["layers"]]
    complete = [case for case in counted if case["layers"][-1]["complete"]]
    return {
        "cases": f"{len(counted)} of {len(found)} were counted",
        "complete": f"in {len(complete)} of {len(counted)} every operation with weights was counted",
        "SOPs": "for each input that is not 0, the outputs that it really reaches",
        "energy": "operations times picojoule of the model that is named: an estimate, nothing was measured",
    }
