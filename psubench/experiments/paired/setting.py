"""What the sections of speed and of energy say about their setting: title, facts for captions, remarks."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.data.table import TABLE
from psubench.experiments.paired import axes as paired_axes
from psubench.experiments.paired import large
from psubench.experiments.paired.columns import Row, unverified
from psubench.models.names import TABLE as MODELS
from psubench.records.structs import Record
from psubench.render.report import facts

SCRIPTED = "Scripted: a fake clock gave these durations. Nothing here is a measurement."


def title(rows: Sequence[Row], setting: str) -> str:
    """`vggsnn on synthetic:dvscifar10, batch 4`: the network, the data, and what else tells it apart."""
    row = rows[0]
    what = row["model"] if row["size"] is None else f"One layer of {row['size']} neurons"
    others = [
        word.replace("=", " ")
        for word in setting.split(" ")
        if word.split("=")[0] not in ("model", "data", "size", "")
    ]
    return ", ".join([f"{what} on {row['data']}", *others])


def warnings(rows: Sequence[Row]) -> tuple[str, ...]:
    """What forbids taking the numbers at face value."""
    return (SCRIPTED,) if any(str(row["device"]).startswith("scripted") for row in rows) else ()


def left_out(rows: Sequence[Row]) -> tuple[str, ...]:
    """How many settings of a large run have no section."""
    every, shown = len(paired_axes.settings(rows)), len(large.settings(rows, large.MOST_SECTIONS))
    return (f"{shown} of {every} settings are shown; {large.ELSEWHERE}.",) if shown < every else ()


def remarks(rows: Sequence[Row]) -> list[str]:
    """What cases that were measured have to say: how their input was made, which memory is unknown."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["status"] == "ok" and row["message"]:
            found.setdefault(row["message"], []).append(str(row["T"]))
    doubted = paired_axes.labels([row for row in rows if unverified(row)])
    notes = [f"T = {', '.join(dict.fromkeys(Ts))}: {message}" for message, Ts in found.items()]
    if doubted:
        notes.append(f"unverified, no reference has confirmed their spikes: {', '.join(doubted)}")
    rates = any(
        row["kind"] == "speed" and row["firing_rate"] is not None and row["weights"] == "untrained"
        for row in rows
    )
    return [*notes, *(["firing rates are those of untrained weights"] if rates else [])]


def about(rows: Sequence[Row], runs: Sequence[Sequence[Record]]) -> dict[str, str]:
    """Name -> text, for captions: the machine, what was run, and what a reader must be told."""
    found = {name: {text: None} for name, text in facts.of_rows(rows, runs).items()}
    axes = ("model", "data", "T", "batch", "size", "dtype", "device", "threads", "processes", "reference")
    for name in axes:
        values = dict.fromkeys(row[name] for row in rows if row[name] is not None)
        texts = [data(str(value)) if name == "data" else str(value) for value in values]
        if texts:
            found[name] = {", ".join(texts): None}
    found["weights"] = dict.fromkeys(row["weights"] for row in rows)
    said = {name: " / ".join(texts) for name, texts in found.items()}
    doubted = paired_axes.labels([row for row in rows if unverified(row)])
    said |= {"unverified": ", ".join(doubted)} if doubted else {}
    if any(str(row["device"]).startswith("scripted") for row in rows):
        said["clock"] = "scripted (fake), not a measurement"
    failed = [row for row in rows if row["status"] != "ok"]
    return said | ({"without a number": f"{len(failed)} of {len(rows)} cases"} if failed else {})


def data(name: str) -> str:
    """A data set with the word `synthetic` or `plug-in` where it is one."""
    spec = TABLE.get(name.split("(")[0])
    if spec is None:
        return f"{name} (plug-in)"
    return name if spec.real else f"{name} (synthetic)"


def fresh_weights(model: str) -> str:
    """What weights are that no checkpoint gave: a plug-in may have loaded its own."""
    return "untrained" if model.split("(")[0] in ("neuron", *MODELS) else "as the plug-in has built them"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
