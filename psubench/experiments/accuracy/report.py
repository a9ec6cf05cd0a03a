"""Runs of `psubench train` and `accuracy` as a part of a report, with published numbers in a table apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psubench.experiments.accuracy import figures, published
from psubench.experiments.accuracy import rows as accuracy_rows
from psubench.experiments.accuracy import tables as accuracy_tables
from psubench.experiments.paired import axes, setting
from psubench.experiments.paired.columns import UNKNOWN, Row
from psubench.records.structs import Record
from psubench.render.report import facts
from psubench.render.report.parts import Cell, Drawing, Head, Part, Section, Table

_FIGURES = {
    "curves": "Accuracy on the test split after every epoch",
    "accuracy": "Accuracy on the test split against what the spikes of a sample cost",
}
_LEFT = ("label", "model", "data", "device")


def part(runs: Sequence[Sequence[Record]]) -> Part:
    """The part of a report that shows runs of this kind; the seeds of a neuron may be in several runs.

    Args:
        runs: the records of each, in order.
    """
    trainings = [one for run in runs for one in accuracy_rows.trainings(run)]
    rows = accuracy_rows.summary(trainings)
    by_data: dict[str, list[Row]] = {}
    for row in rows:
        by_data.setdefault(f"{row['model']} on {row['data']}", []).append(row)
    labels = list(dict.fromkeys(row["label"] for row in rows))
    several = len(by_data) > 1
    return Part(
        title="Accuracy",
        headline=f"Accuracy of {setting.listed(labels)}",
        warnings=(),
        protocol=_protocol(trainings),
        sections=tuple(
            _section(name, some, trainings, runs, name if several else "") for name, some in by_data.items()
        ),
        overview=(),
        facts=_about(rows, trainings, runs),
    )


def _section(
    name: str,
    rows: Sequence[Row],
    trainings: Sequence[Mapping[str, Any]],
    runs: Sequence[Sequence[Record]],
    suffix: str,
) -> Section:
    labels = setting.listed(list(dict.fromkeys(row["label"] for row in rows)))
    drawings = []
    for kind, figure in figures.figures(rows):
        caption = f"{_FIGURES[kind]}."
        alt = f"{caption} A line or a point for each of {labels}. The table holds the numbers."
        drawings.append(Drawing(axes.file_name(kind, suffix), caption, alt, figure))
    tables = [_table(rows, axes.file_name("accuracies", suffix))]
    others = published.on(row["data"] for row in rows)
    if others:
        tables.append(_published(others, axes.file_name("published", suffix)))
    return Section(
        title=name,
        says=(),
        drawings=tuple(drawings),
        paper=tuple(drawings),
        tables=tuple(tables),
        failed=tuple(accuracy_tables.failures(rows)),
        notes=tuple(accuracy_tables.remarks(rows)),
        facts=_about(rows, trainings, runs),
    )


def _table(rows: Sequence[Row], name: str) -> Table:
    columns = accuracy_tables.shown(rows)
    heads = tuple(Head(c.header or "", c.name not in _LEFT, names_row=c.name == "label") for c in columns)
    best = max((row["accuracy"] for row in rows if row["accuracy"] is not None), default=None)
    lines = []
    for row in rows:
        cells = []
        for column in columns:
            text = column.text(row)
            order = None if text == UNKNOWN or row[column.name] is None else row[column.name]
            wins = column.name == "accuracy" and order is not None and order == best
            cells.append(Cell(text, order, tone="doubt" if row["status"] != "ok" else "", best=wins))
        lines.append(tuple(cells))
    return Table(name, f"{accuracy_tables.caption(rows)}; bold: the highest mean", heads, tuple(lines))


def _published(numbers: Sequence[published.Published], name: str) -> Table:
    heads = tuple(
        Head(head, head in ("T", "accuracy %"), names_row=head == "neuron")
        for head in accuracy_tables.PUBLISHED
    )
    lines = []
    for number in numbers:
        orders: tuple[float | str | None, ...] = (
            number.data, number.neuron, number.T, number.accuracy, number.source,
        )  # fmt: skip
        texts = accuracy_tables.published_texts(number)
        lines.append(tuple(Cell(text, order) for text, order in zip(texts, orders, strict=True)))
    caption = "Published by the authors of the source, with networks of their own; not measured here"
    return Table(name, caption, heads, tuple(lines))


def _about(
    rows: Sequence[Row], trainings: Sequence[Mapping[str, Any]], runs: Sequence[Sequence[Record]]
) -> dict[str, str]:
    """Name -> text, for captions."""
    shown = [one for one in trainings if any(_of(one, row) for row in rows)]
    said = {
        name: ", ".join(dict.fromkeys(str(row[name]) for row in rows)) for name in ("model", "T", "epochs")
    }
    counts = sorted({row["n"] for row in rows})
    failed = [row for row in shown if row["status"] != "ok"]
    return {
        **facts.of_rows(shown, runs),
        **said,
        "data": ", ".join(dict.fromkeys(setting.data(str(row["data"])) for row in rows)),
        "seeds a neuron": " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1]))),
        "weights": "trained here",
        **({"without a number": f"{len(failed)} of {len(shown)} trainings"} if failed else {}),
    }


def _of(training: Mapping[str, Any], row: Row) -> bool:
    return all(training[name] == row[name] for name in ("model", "data", "label", "T", "recipe"))


def _protocol(trainings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    good = [one for one in trainings if one["status"] == "ok"]
    return {
        "trainings": f"{len(good)} of {len(trainings)} ended well",
        "accuracy": "on the test split after the last epoch; no epoch is chosen by it",
        "spread": "standard deviation over seeds, none for a single one",
        "energy": "operations times picojoule of the model that is named: an estimate, nothing was measured",
    }
