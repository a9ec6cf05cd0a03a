"""The columns that tables of speed and of energy share: axes, neuron, ratio, verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psubench.experiments.paired.rows import Row, unclear, unverified, verdict
from psubench.render.column import Column, Tone, plain
from psubench.render.numbers import UNKNOWN, fixed, percent, ratio

_NUMBERS = ("T", "batch", "size", "threads", "processes")
_TONES: dict[str, Tone] = {
    "faster": "good", "slower": "bad", "≈": "quiet", "ref": "quiet", "unclear": "doubt",
}  # fmt: skip


def axis(name: str, head: str) -> Column:
    """The column of an axis that differs between rows."""
    return Column(name, head, plain(name), right=name in _NUMBERS, needed=lambda _: True)


LABEL: Column = Column("label", "neuron", plain("label"), names_row=True, needed=lambda _: True)
RATE: Column = Column("firing_rate", "firing\nrate", lambda row: fixed(row.firing_rate, 3), right=True)


def tone(row: Row) -> Tone:
    """How a verdict is meant."""
    return _TONES.get(verdict(row), "failed")


def compared(quantity: str) -> Column:
    """The ratio of a quantity, such as t; its head names the reference where all rows have the same."""

    def head(rows: Sequence[Row]) -> str:
        references = {row.reference for row in rows}
        name = references.pop() if len(references) == 1 else "reference"
        return f"{quantity}_{name} / {quantity}_neuron\n[95 %]"

    return Column("ratio [95 %]", head, _ratio, order="ratio")


def _ratio(row: Row) -> str:
    if row.is_reference and row.noise_floor is not None:
        return f"noise ±{percent(row.noise_floor)}"
    if row.is_reference or row.ratio is None:
        return UNKNOWN
    return "unclear" if unclear(row) else ratio(row.ratio, row.ratio_low, row.ratio_high)


def judged(word: Callable[[Row], str] = verdict) -> Column:
    """The verdict, in a word of the quantity."""

    def text(row: Row) -> str:
        return f"{word(row)}, unverified" if unverified(row) else word(row)

    return Column("verdict", "verdict", text, breaks=True, tone=tone)


def shown(rows: Sequence[Row], results: Sequence[Column]) -> list[Column]:
    """The columns that a table of these rows needs: axes that differ, results that are known."""
    from psubench.experiments.paired.axes import varying

    axes = [axis(name, rows[0].AXES[name]) for name in varying(rows) if name != "mode"] if rows else []
    axes.sort(key=lambda column: {"phase": 0, "T": 1}.get(column.name, 2))
    return [*axes, *(column for column in results if column.known(rows))]
