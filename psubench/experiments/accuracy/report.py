"""Runs of `psubench train` and `accuracy` as a part of a report, with published numbers in a table apart."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.accuracy import figures
from psubench.experiments.accuracy import rows as accuracy_rows
from psubench.experiments.accuracy import tables as accuracy_tables
from psubench.experiments.accuracy.rows import TrainingRow
from psubench.records.structs import Record
from psubench.render.axes import file_name, labels_of, values
from psubench.render.report import facts
from psubench.render.report.parts import Drawing, Part, Section, table

_PUBLISHED = "Published by the authors of the source, with networks of their own; not measured here"
_COLUMN = 3.5  # inches
_FIGURES = {
    "curves": "Accuracy on the test split after every epoch",
    "accuracy": "Accuracy on the test split against what the spikes of a sample cost",
}


def part(runs: Sequence[Sequence[Record]]) -> Part:
    """The part of a report that shows runs of this kind; the seeds of a neuron may be in several runs.

    Args:
        runs: the records of each, in order.
    """
    trainings = [one for run in runs for one in accuracy_rows.trainings(run)]
    rows = accuracy_rows.summary(trainings)
    by_data: dict[str, list[TrainingRow]] = {}
    for row in rows:
        by_data.setdefault(f"{row.model} on {row.data}", []).append(row)
    labels = labels_of(rows)
    several = len(by_data) > 1
    return Part(
        title="Accuracy",
        headline=f"Accuracy of {facts.listed(labels)}",
        warnings=(),
        protocol=_protocol(trainings, rows),
        sections=tuple(_section(name, some, runs, name if several else "") for name, some in by_data.items()),
        overview=(),
        facts=about(rows, runs),
    )


def _section(
    name: str, rows: Sequence[TrainingRow], runs: Sequence[Sequence[Record]], suffix: str
) -> Section:
    labels = facts.listed(labels_of(rows))
    drawings = []
    for kind, figure in figures.figures(rows):
        caption = f"{_FIGURES[kind]}."
        alt = f"{caption} A line or a point for each of {labels}. The table holds the numbers."
        wide = figure.get_figwidth() > _COLUMN
        drawings.append(Drawing(file_name(kind, suffix), caption, alt, figure, wide=wide))
    told = f"{accuracy_tables.caption(rows)}; bold: the highest mean"
    highest = max((row.accuracy for row in rows if row.accuracy is not None), default=None)
    best = None if highest is None else ("accuracy", highest)
    tables = [table(accuracy_tables.measured(rows, told), file_name("accuracies", suffix), best)]
    for grid in accuracy_tables.others(rows, _PUBLISHED):
        tables.append(table(grid, file_name("published", suffix)))
    return Section(
        title=name,
        says=(),
        drawings=tuple(drawings),
        tables=tuple(tables),
        failed=tuple(accuracy_tables.failures(rows)),
        notes=tuple(accuracy_tables.remarks(rows)),
        facts=about(rows, runs),
    )


def about(rows: Sequence[TrainingRow], runs: Sequence[Sequence[Record]]) -> dict[str, str]:
    """Name -> text, for captions."""
    trainings = [one for run in runs for one in accuracy_rows.trainings(run)]
    shown = [one for one in trainings if any(_of(one, row) for row in rows)]
    said = {name: ", ".join(values(rows, name)) for name in ("model", "T", "epochs")}
    counts = sorted({row.n for row in rows})
    failed = [row for row in shown if row.status != "ok"]
    return {
        **facts.of_rows(shown, runs),
        **said,
        "data": ", ".join(dict.fromkeys(facts.data(row.data) for row in rows)),
        "seeds a neuron": " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1]))),
        "weights": "trained here",
        **({"without a number": f"{len(failed)} of {len(shown)} trainings"} if failed else {}),
    }


def _of(training: TrainingRow, row: TrainingRow) -> bool:
    names = ("model", "data", "neuron", "implementation", "T", "recipe")
    return all(getattr(training, name) == getattr(row, name) for name in names)


def _protocol(trainings: Sequence[TrainingRow], rows: Sequence[TrainingRow]) -> dict[str, str]:
    several = any(row.accuracy_sd is not None for row in rows)
    good = [one for one in trainings if one.status == "ok"]
    return {
        "trainings": f"{len(good)} of {len(trainings)} ended well",
        "accuracy": "on the test split after the last epoch; no epoch is chosen by it",
        "spread": "standard deviation over seeds" if several else "none: one seed of each neuron",
        "energy": "operations times picojoule of the model that is named: an estimate, nothing was measured",
    }
