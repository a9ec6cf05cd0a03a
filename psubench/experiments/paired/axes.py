"""Rows that belong together: what is equal in all of them, and what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from psubench.experiments.paired.rows import Row

R = TypeVar("R", bound="Row")
_WITHIN = ("T", "phase", "processes", "mode")
"""Axes that one figure or one sentence spans; a label tells the mode."""


def distinct(rows: Sequence[R]) -> list[R]:
    """The rows with a label per neuron: two plug-ins that share a short name get their full names."""
    texts: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        texts.setdefault(row.label, set()).add((row.neuron, row.implementation))
    return [row if len(texts[row.label]) == 1 else replace(row, label=row.neuron) for row in rows]


def shared(rows: Sequence[Row]) -> dict[str, str]:
    """Header and text of every axis that has one value in all rows where it is known."""
    found, several = {}, varying(rows)
    for name, head in rows[0].AXES.items() if rows else ():
        if name == "size" and any(row.size is None for row in rows):
            continue  # networks have none
        if name not in several:
            texts = {str(value) for row in rows if (value := getattr(row, name)) is not None}
            if len(texts) == 1:
                found[head] = texts.pop()
    return found


def varying(rows: Sequence[Row]) -> list[str]:
    """Names of the axes with several values.

    A resumed run has several run ids, which say nothing; they count only where a case occurs twice.
    """
    axes = rows[0].AXES if rows else ()
    found = [name for name in axes if len({getattr(row, name) for row in rows} - {None}) > 1]
    return [name for name in found if name != "run_id" or _repeated(rows)]


def _repeated(rows: Sequence[Row]) -> bool:
    return len({row.key for row in rows}) < len(rows)


def settings(rows: Sequence[R]) -> dict[str, list[R]]:
    """Rows by what differs between them beside T, phase and neuron: `batch=32 size=512`, or ``."""
    axes = [name for name in varying(rows) if name not in _WITHIN]
    found: dict[str, list[R]] = {}
    for row in rows:
        found.setdefault(" ".join(f"{name}={getattr(row, name)}" for name in axes), []).append(row)
    return found


def networks(rows: Sequence[R]) -> dict[str, list[R]]:
    """Rows by network and data, under a title that says what they share beyond all the others."""
    common = shared(rows)
    found: dict[tuple[str, str], list[R]] = {}
    for row in rows:
        found.setdefault((row.model, row.data), []).append(row)
    return {
        ", ".join(
            f"{name} {text}"
            for name, text in shared(some).items()
            if name not in common and name not in ("phase", "mode")
        ): some
        for some in found.values()
    }
