"""What the sections of speed and of energy say about their setting: title, facts for captions, remarks."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired import large
from psubench.experiments.paired.rows import Row, unverified
from psubench.records.structs import Record
from psubench.render.axes import labels_of, values
from psubench.render.report import facts

SCRIPTED = "Scripted: a fake clock gave these durations. Nothing here is a measurement."


def title(rows: Sequence[Row], setting: str) -> str:
    """`vggsnn on synthetic:dvscifar10, batch 4`: the network, the data, and what else tells it apart."""
    row = rows[0]
    what = row.model if row.size is None else f"One layer of {row.size} neurons"
    others = [
        word.replace("=", " ")
        for word in setting.split(" ")
        if word.split("=")[0] not in ("model", "data", "size", "")
    ]
    return ", ".join([f"{what} on {row.data}", *others])


def warnings(rows: Sequence[Row]) -> tuple[str, ...]:
    """What forbids taking the numbers at face value."""
    return (SCRIPTED,) if any(str(row.device).startswith("scripted") for row in rows) else ()


def left_out(rows: Sequence[Row]) -> tuple[str, ...]:
    """How many settings of a large run have no section."""
    every, shown = len(paired_axes.settings(rows)), len(large.settings(rows, large.MOST_SECTIONS))
    return (f"{shown} of {every} settings are shown; {large.ELSEWHERE}.",) if shown < every else ()


def remarks(rows: Sequence[Row]) -> list[str]:
    """What cases that were measured have to say: how their input was made, which memory is unknown."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.status == "ok" and row.message:
            found.setdefault(row.message, []).append(str(row.T))
    doubted = labels_of([row for row in rows if unverified(row)])
    notes = [f"T = {', '.join(dict.fromkeys(Ts))}: {message}" for message, Ts in found.items()]
    if doubted:
        notes.append(f"unverified, no reference has confirmed their spikes: {', '.join(doubted)}")
    return notes


def about(rows: Sequence[Row], runs: Sequence[Sequence[Record]]) -> dict[str, str]:
    """Name -> text, for captions: the machine, what was run, and what a reader must be told."""
    found = {name: {text: None} for name, text in facts.of_rows(rows, runs).items()}
    axes = ("model", "data", "T", "batch", "size", "dtype", "device", "threads", "processes", "reference")
    for name in axes:
        texts = [facts.data(text) if name == "data" else text for text in values(rows, name)]
        if texts:
            found[name] = {", ".join(texts): None}
    found["weights"] = dict.fromkeys(row.weights for row in rows)
    said = {name: " / ".join(texts) for name, texts in found.items()}
    doubted = labels_of([row for row in rows if unverified(row)])
    said |= {"unverified": ", ".join(doubted)} if doubted else {}
    if any(str(row.device).startswith("scripted") for row in rows):
        said["clock"] = "scripted (fake), not a measurement"
    failed = [row for row in rows if row.status != "ok"]
    return said | ({"without a number": f"{len(failed)} of {len(rows)} cases"} if failed else {})
