"""The columns of a sparsity run: a row is a layer, or the total, of one case.

Tables show counts per sample, in one unit per column; CSV and JSON hold totals over all samples. Every
energy is an estimate by the model that the caption names. None is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psubench.experiments.outputs import marked
from psubench.experiments.sparsity.rows import SparsityRow
from psubench.records.counted import Layer
from psubench.render.column import Column, Scale, plain
from psubench.render.numbers import COUNTS, PICOJOULES, UNKNOWN, Units, significant

_LAYERS, _TOTALS, _PAPER = "layers", "totals", "paper"
_ALL = (_LAYERS, _TOTALS, _PAPER)


def per_sample(row: SparsityRow | Layer, name: str) -> float | None:
    """A total as its share of one sample; None if unknown."""
    total: float | None = getattr(row, name)
    return None if total is None or not row.n_samples else total / row.n_samples


def _counted(name: str, head: str, tables: tuple[str, ...] = _ALL, units: Units = COUNTS) -> Column:
    def text(row: SparsityRow, size: float) -> str:
        value = per_sample(row, name)
        return UNKNOWN if value is None else significant(value / size)

    return Column(
        name, head, tables=tables, scale=Scale(units, lambda row: per_sample(row, name), text), right=True
    )


def _layer(row: SparsityRow) -> str:
    return f"{row.layer}*" if row.first else str(row.layer)


def _rate(row: SparsityRow) -> str:
    if not row.firing_rate:
        return UNKNOWN if row.firing_rate is None else "0"  # not a rate that rounds to it
    return f"{row.firing_rate:.4f}"


def _percent(part: str, whole: str, places: int) -> Callable[[SparsityRow], str]:
    def text(row: SparsityRow) -> str:
        some, every = getattr(row, part), getattr(row, whole)
        return UNKNOWN if some is None or not every else f"{100 * some / every:.{places}f}"

    return text


def _complete(row: SparsityRow) -> str:
    return "yes" if row.complete else f"no: {', '.join(row.uncounted) or row.status}"


def _always(_: Sequence[SparsityRow]) -> bool:
    return True


COLUMNS: tuple[Column, ...] = (
    Column("T", "T", plain("T"), (_TOTALS, _PAPER), right=True, needed=_always),
    Column("label", "neuron", marked, (_TOTALS, _PAPER), names_row=True, needed=_always),
    Column("layer", "layer", _layer, (_LAYERS, _PAPER), names_row=True, needed=_always),
    Column("shape", "shape", plain("shape"), (_LAYERS, _PAPER), needed=_always),
    Column("firing_rate", "firing\nrate", _rate, _ALL, right=True, needed=_always),
    _counted("sop_eff", "SOPs"),
    Column(
        "graded", "graded\n(%)", _percent("sop_graded", "sop_eff", 0), (_LAYERS, _PAPER), right=True,
        needed=lambda rows: any(row.sop_graded for row in rows),
    ),
    Column(
        "of dense", "of dense\n(%)", _percent("sop_eff", "sop_dense", 1), _ALL, right=True, needed=_always
    ),
    _counted("dynamics_mac", "neuron\nMACs"),
    _counted("synapse_energy_pj", "synapses", (_TOTALS,), PICOJOULES),
    _counted("dynamics_energy_pj", "neurons", (_TOTALS,), PICOJOULES),
    _counted("energy_pj", "estimated\nenergy", _ALL, PICOJOULES),
    Column(
        "complete", "complete", _complete, _ALL, breaks=True,
        needed=lambda rows: not all(row.complete for row in rows),
    ),
)  # fmt: skip


def shown(rows: Sequence[SparsityRow], table: str) -> list[Column]:
    """The columns that a table, `layers`, `totals` or `paper`, needs of these rows."""
    return [column for column in COLUMNS if table in column.tables and column.known(rows)]
