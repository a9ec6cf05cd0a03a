"""The columns of trainings: a row is a neuron on a data set, over its seeds; and those of published ones."""

from __future__ import annotations

from psubench.experiments.accuracy.rows import TrainingRow
from psubench.experiments.outputs import marked
from psubench.experiments.written import written
from psubench.render.axes import values
from psubench.render.column import Column, plain
from psubench.render.numbers import COUNTS, MEBIBYTE, PICOJOULES, SECONDS, UNKNOWN, fixed, in_units

AXES = ("model", "data", "T", "epochs", "device", "threads")
"""In a caption if they are equal in all rows, else in a column."""


def _accuracy(row: TrainingRow) -> str:
    if row.accuracy is None:
        return str(row.status)
    deviation = row.accuracy_sd
    return f"{100 * row.accuracy:.1f}" + ("" if deviation is None else f" ± {100 * deviation:.1f}")


def _memory(row: TrainingRow) -> str:
    return UNKNOWN if row.peak_memory_bytes is None else f"{row.peak_memory_bytes / MEBIBYTE:.0f}"


def _axis(name: str) -> Column:
    return Column(
        name, name, plain(name), right=name in ("T", "epochs", "threads"),
        needed=lambda rows: len(values(rows, name)) > 1,
    )  # fmt: skip


COLUMNS: tuple[Column, ...] = (
    _axis("model"),
    _axis("data"),
    Column("label", "neuron", marked, names_row=True),
    *map(_axis, AXES[2:]),
    Column("accuracy", "accuracy %", _accuracy, right=True),
    Column("n", "n", plain("n"), right=True),
    Column("firing_rate", "firing\nrate", lambda row: fixed(row.firing_rate, 3), right=True),
    Column(
        "sop_eff_per_sample", "SOP /\nsample", lambda row: in_units(row.sop_eff_per_sample, COUNTS),
        right=True,
    ),
    Column(
        "energy_pj_per_sample", "energy /\nsample",
        lambda row: in_units(row.energy_pj_per_sample, PICOJOULES), right=True,
    ),
    Column("epoch_s", "time /\nepoch", lambda row: in_units(row.epoch_s, SECONDS), right=True, spare=True),
    Column("peak_memory_bytes", "peak\nMiB", _memory, right=True, spare=True),
)  # fmt: skip
PUBLISHED: tuple[Column, ...] = (
    Column("data", "data", plain("data")),
    Column("neuron", "neuron", lambda one: written(one.neuron), names_row=True),
    Column("T", "T", plain("T"), right=True, needed=lambda _: True),
    Column("accuracy", "accuracy %", lambda one: f"{100 * one.accuracy:.2f}", right=True),
    Column("source", "source", plain("source"), breaks=True),
)
