"""Trainings as a sheet: what was measured, what went wrong, and in a table apart what others published."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.errors import one_line
from psubench.experiments import ann, outputs
from psubench.experiments.accuracy import published
from psubench.experiments.accuracy.columns import AXES, COLUMNS, PUBLISHED
from psubench.experiments.accuracy.rows import TrainingRow
from psubench.experiments.accuracy.time_probe import differences
from psubench.render.axes import values
from psubench.render.column import Tone
from psubench.render.grid import Grid, Sheet

_RULE = "accuracy on the test split after the last epoch"
_SEVERAL = "; mean ± standard deviation over n seeds"
_NOT_MEASURED = "Published by the authors of the source, with networks of their own; not measured here"


def sheet(rows: Sequence[TrainingRow]) -> Sheet:
    """What rows show, in every format."""
    grids = [measured(rows, ""), *others(rows, _NOT_MEASURED)]
    said = notes(rows)
    costs = [
        ann.Cost(
            row.neuron, row.label, {name: getattr(row, name) for name in ("model", "data", "T")},
            row.energy_pj_per_sample, row.spike_energy_pj_per_sample, row.firing_rate,
        )
        for row in rows
        if row.time == "kept"
    ]  # fmt: skip
    more = [*differences(rows), *ann.equal_rates(costs)]
    return Sheet(caption(rows), [grids[0], said, more, *grids[1:]], grids, notes=said)


def _tone(row: TrainingRow) -> Tone:
    return "" if row.status == "ok" else "doubt"


def measured(rows: Sequence[TrainingRow], title: str) -> Grid:
    """A row per neuron, data set and recipe."""
    columns = [column for column in COLUMNS if column.known(rows)]
    return Grid(title, columns, rows, "data", _tone)


def others(rows: Sequence[TrainingRow], title: str) -> list[Grid]:
    """What was published on the data sets of the rows, if anything was."""
    found = published.on(row.data for row in rows)
    return [Grid(title, PUBLISHED, found)] if found else []


def caption(rows: Sequence[TrainingRow]) -> str:
    """One sentence: what is equal in all rows, and what the accuracy is."""
    facts = [f"{name} {found[0]}" for name in AXES if len(found := values(rows, name)) == 1]
    rule = _RULE + _SEVERAL * any(row.accuracy_sd is not None for row in rows)
    return "; ".join([", ".join(facts), rule] if facts else [rule])


def notes(rows: Sequence[TrainingRow]) -> list[str]:
    """What was done to the data, and why trainings have no result."""
    return [*remarks(rows), *doubts(rows), *failures(rows)]


def remarks(rows: Sequence[TrainingRow]) -> list[str]:
    """What was done to the data, and by which model energy was estimated."""
    changed = dict.fromkeys(f"{row.data}: {row.note}" for row in rows if row.note)
    models = dict.fromkeys((r.energy_model, r.policy) for r in rows if r.energy_pj_per_sample is not None)
    estimates = [
        f"energy is an estimate, by {name}, {policy}; `list energy-models` has its source"
        for name, policy in models
    ]
    return [*changed, *outputs.lines(rows), *estimates]


def doubts(rows: Sequence[TrainingRow]) -> list[str]:
    """Why results are not verified."""
    return [
        f"{row.label} on {row.data}: unverified: {row.doubt}"
        for row in rows
        if row.status == "ok" and row.doubt
    ]


def failures(rows: Sequence[TrainingRow]) -> list[str]:
    """What went wrong in trainings: why they have no result, or what of it could not be written."""
    return [
        f"{row.label} on {row.data}: {row.status}: {one_line(row.message)}" for row in rows if row.message
    ]
