"""The time ratio as a table of a report, with a column per T."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.paired import large
from psubench.experiments.paired.columns import tone
from psubench.experiments.paired.rows import unverified, verdict
from psubench.experiments.speed.columns import time
from psubench.experiments.speed.rows import SpeedRow
from psubench.render.column import Tone
from psubench.render.numbers import UNKNOWN, percent, ratio
from psubench.render.report.parts import Cell, Head, Table

_WORDS = {"≈": "no difference beyond the noise", "ref": "reference"}
BOLD = "bold: the fastest at that T, and all whose intervals overlap its interval"


def _shade(row: SpeedRow) -> Tone:
    found = tone(row)
    return "doubt" if found == "failed" else found


def by_steps(rows: Sequence[SpeedRow], name: str, caption: str) -> Table:
    """The time ratio of every neuron, with a column per T; of the reference its time and its noise.

    Args:
        rows: of one phase and one setting.
    """
    every = sorted({row.T for row in rows})
    Ts = large.spread(every, large.MOST_STEPS) if len(every) > 2 * large.MOST_STEPS else every
    winners = best(rows)
    lines = []
    by_label: dict[str, dict[int, SpeedRow]] = {}
    for row in rows:
        by_label.setdefault(row.label, {})[row.T] = row
    for label, of_neuron in list(by_label.items())[: large.MOST_ROWS]:
        doubted = any(unverified(row) for row in of_neuron.values())
        cells = [_ratio(of_neuron.get(T), (label, T) in winners) for T in Ts]
        lines.append((Cell(f"{label} (unverified)" if doubted else label, label), *cells))
    if len(Ts) < len(every) or len(lines) < len(by_label):
        caption += f"; {len(lines)} of {len(by_label)} neurons at {len(Ts)} of {len(every)} T"
    heads = (Head("neuron", names_row=True), *(Head(f"T = {T}", right=True) for T in Ts))
    return Table(name, f"{caption}; {BOLD}", heads, tuple(lines), stacked=True)


def _ratio(row: SpeedRow | None, wins: bool) -> Cell:
    if row is None:
        return Cell(UNKNOWN)
    word = verdict(row)
    word = _WORDS.get(word, word)
    if row.is_reference and row.median_s is not None:
        median = time(row).partition(" [")[0]
        noise = "" if row.noise_floor is None else f"±{percent(row.noise_floor)}"
        return Cell(median, 1.0, noise, "quiet", word, wins)
    if row.ratio is None:
        text = "no ratio" if row.status == "ok" else str(row.status)
        return Cell(text, None, tone="doubt")
    text, bracket, interval = ratio(row.ratio, row.ratio_low, row.ratio_high).partition(" [")
    return Cell(text, row.ratio, (bracket + interval).strip(), _shade(row), word, wins)


def best(rows: Sequence[SpeedRow]) -> set[tuple[str, int]]:
    """Label and T of the fastest, and of all whose interval reaches the fastest's interval.

    What no reference has confirmed does not compete. The reference is 1, and its interval the noise.
    """
    found = set()
    fields: dict[int, list[tuple[float, float, float, str]]] = {}
    for row in rows:
        if (interval := _interval(row)) is not None:
            fields.setdefault(row.T, []).append(interval)
    for T, field in fields.items():
        if len(field) > 1:
            _, low, _, _ = max(field)
            found |= {(label, T) for _, _, high, label in field if high >= low}
    return found


def _interval(row: SpeedRow) -> tuple[float, float, float, str] | None:
    if row.status != "ok" or unverified(row):
        return None
    if row.is_reference:
        noise = row.noise_floor
        return None if noise is None else (1.0, 1 / (1 + noise), 1 + noise, row.label)
    if row.ratio is None or row.ratio_low is None or row.ratio_high is None:
        return None
    return row.ratio, row.ratio_low, row.ratio_high, row.label
