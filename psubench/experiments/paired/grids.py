"""Rows of cases as tables: one line per case with all results, and the ratio with a column per T."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.paired import columns, large, tables
from psubench.experiments.paired.columns import UNKNOWN, Column, Row
from psubench.render.report.parts import Cell, Head, Table, Tone

_TONES: dict[str, Tone] = {"faster": "good", "slower": "bad", "≈": "quiet", "ref": "quiet"}
_WORDS = {"≈": "no difference beyond the noise", "ref": "reference"}
BOLD = "bold: the fastest at that T, and all whose intervals overlap its interval"


def full(rows: Sequence[Row], name: str, caption: str) -> Table:
    """Every case with every result that is known.

    Args:
        rows: of one phase, with labels that tell the neurons apart.
    """
    rows, every = sorted(rows, key=lambda row: row["T"]), len(rows)
    if every > large.MOST_ROWS:
        rows = rows[: large.MOST_ROWS]
        caption = f"{caption}; the first {len(rows)} of {every}, {large.ELSEWHERE}"
    shown = [column for column in tables.shown(rows) if column.name != "phase"]
    heads = tuple(
        Head(tables.header(column, rows), column.right, names_row=column.name == "label") for column in shown
    )
    lines = tuple(tuple(_cell(column, row) for column in shown) for row in rows)
    several = [place for place, column in enumerate(shown) if column.name == "T"]
    return Table(name, caption, heads, lines, groups=several[0] if several else None)


def _cell(column: Column, row: Row) -> Cell:
    text, bracket, interval = column.text(row), "", ""
    if "[" in column.header:
        text, bracket, interval = text.partition(" [")
    order = row.get(column.by or column.name, text)
    if column.name == "verdict":
        return Cell(text, text, tone=_tone(row))
    return Cell(text, None if text == UNKNOWN else order, (bracket + interval).strip())


def _tone(row: Row) -> Tone:
    return _TONES.get(columns.verdict(row), "doubt")


def by_steps(rows: Sequence[Row], name: str, caption: str) -> Table:
    """The time ratio of every neuron, with a column per T; of the reference its time and its noise.

    Args:
        rows: of one phase and one setting.
    """
    every = sorted({row["T"] for row in rows})
    Ts = large.spread(every, large.MOST_STEPS) if len(every) > 2 * large.MOST_STEPS else every
    winners = best(rows)
    lines = []
    by_label: dict[str, dict[int, Row]] = {}
    for row in rows:
        by_label.setdefault(row["label"], {})[row["T"]] = row
    for label, of_neuron in list(by_label.items())[: large.MOST_ROWS]:
        doubted = any(columns.unverified(row) for row in of_neuron.values())
        cells = [_ratio(of_neuron.get(T), (label, T) in winners) for T in Ts]
        lines.append((Cell(f"{label} (unverified)" if doubted else label, label), *cells))
    if len(Ts) < len(every) or len(lines) < len(by_label):
        caption += f"; {len(lines)} of {len(by_label)} neurons at {len(Ts)} of {len(every)} T"
    heads = (Head("neuron", names_row=True), *(Head(f"T = {T}", right=True) for T in Ts))
    return Table(name, f"{caption}; {BOLD}", heads, tuple(lines), stacked=True)


def _ratio(row: Row | None, wins: bool) -> Cell:
    if row is None:
        return Cell(UNKNOWN)
    verdict = columns.verdict(row)
    word = _WORDS.get(verdict, verdict)
    if row["is_reference"] and row["median_s"] is not None:
        time = columns.time(row).partition(" [")[0]
        noise = "" if row["noise_floor"] is None else f"±{columns.percent(row['noise_floor'])}"
        return Cell(time, 1.0, noise, "quiet", word, wins)
    if row["ratio"] is None:
        text = "no ratio" if row["status"] == "ok" else str(row["status"])
        return Cell(text, None, tone="doubt")
    text, bracket, interval = columns.ratio(row["ratio"], row["ratio_low"], row["ratio_high"]).partition(" [")
    return Cell(text, row["ratio"], (bracket + interval).strip(), _tone(row), word, wins)


def best(rows: Sequence[Row]) -> set[tuple[str, int]]:
    """Label and T of the fastest, and of all whose interval reaches the fastest's interval.

    What no reference has confirmed does not compete. The reference is 1, and its interval the noise.
    """
    found = set()
    fields: dict[int, list[tuple[float, float, float, str]]] = {}
    for row in rows:
        if (interval := _interval(row)) is not None:
            fields.setdefault(row["T"], []).append(interval)
    for T, field in fields.items():
        if len(field) > 1:
            _, low, _, _ = max(field)
            found |= {(label, T) for _, _, high, label in field if high >= low}
    return found


def _interval(row: Row) -> tuple[float, float, float, str] | None:
    if row["status"] != "ok" or columns.unverified(row):
        return None
    if row["is_reference"]:
        noise = row["noise_floor"]
        return None if noise is None else (1.0, 1 / (1 + noise), 1 + noise, row["label"])
    if row["ratio"] is None or row["ratio_low"] is None or row["ratio_high"] is None:
        return None
    return row["ratio"], row["ratio_low"], row["ratio_high"], row["label"]
