"""Rows that belong together: what is equal in all of them, and what tells them apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from psubench.experiments.energy import columns as energy_columns
from psubench.experiments.paired.columns import COLUMNS, Column, Row, Show

_WITHIN = ("T", "phase", "processes", "mode")
"""Axes that one figure or one sentence spans; a label tells the mode."""


_NAMED = re.compile(r"\b(model|data)=")
"""Axes whose values say what they are."""


def columns(rows: Sequence[Row]) -> tuple[Column, ...]:
    """The columns of rows of one kind; estimates and measured joules never share one."""
    return energy_columns.COLUMNS if rows and rows[0]["kind"] == "energy" else COLUMNS


def distinct(rows: Sequence[Row]) -> list[Row]:
    """The rows with a label per neuron: two plug-ins that share a short name get their full names."""
    texts: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        texts.setdefault(row["label"], set()).add((row["neuron"], row["implementation"]))
    return [row if len(texts[row["label"]]) == 1 else {**row, "label": row["neuron"]} for row in rows]


def shared(rows: Sequence[Row]) -> dict[str, str]:
    """Header and text of every axis that has one value in all rows where it is known."""
    found, several = {}, varying(rows)
    for column in columns(rows):
        if column.name == "size" and any(row["size"] is None for row in rows):
            continue  # networks have none
        if Show.AXIS in column.show and column.name not in several:
            texts = {column.text(row) for row in rows if column.value(row) is not None}
            if len(texts) == 1:
                found[column.header] = texts.pop()
    return found


def varying(rows: Sequence[Row]) -> list[str]:
    """Names of the axes with several values.

    A resumed run has several run ids, which say nothing; they count only where a case occurs twice.
    """
    axes = [column.name for column in columns(rows) if Show.AXIS in column.show]
    found = [name for name in axes if len({row[name] for row in rows} - {None}) > 1]
    return [name for name in found if name != "run_id" or _repeated(rows)]


def _repeated(rows: Sequence[Row]) -> bool:
    return len({row["key"] for row in rows}) < len(rows)


def settings(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by what differs between them beside T, phase and neuron: `batch=32 size=512`, or ``."""
    axes = [name for name in varying(rows) if name not in _WITHIN]
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(" ".join(f"{name}={row[name]}" for name in axes), []).append(row)
    return found


def networks(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by network and data, under a title that says what they share beyond all the others."""
    common = shared(rows)
    found: dict[tuple[Any, Any], list[Row]] = {}
    for row in rows:
        found.setdefault((row["model"], row["data"]), []).append(row)
    return {
        ", ".join(
            f"{name} {text}"
            for name, text in shared(some).items()
            if name not in common and name not in ("phase", "mode")
        ): some
        for some in found.values()
    }


def file_name(start: str, setting: str) -> str:
    """A name for a file about one setting, the same on every system: `ratio-batch32-size512`."""
    return re.sub(r"[^\w.-]+", "-", f"{start} {_NAMED.sub('', setting)}".replace("=", "").strip()).strip("-")


def phases(rows: Sequence[Row]) -> list[str]:
    """The phases of rows, in their order."""
    return list(dict.fromkeys(row["phase"] for row in rows))


def labels(rows: Sequence[Row]) -> list[str]:
    """The neurons of rows by label, in their order."""
    return list(dict.fromkeys(row["label"] for row in rows))
