"""What a record says about its making: machine, versions, settings, commands. Equal for all kinds of runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from psubench.data.table import TABLE
from psubench.records.run import End, Run
from psubench.records.structs import Record

UNKNOWN, NOT_APPLICABLE = "unknown", "not applicable"
"""Of what could not be found out, and of what a run of that kind does not have."""
_WORDS = {None: UNKNOWN, True: "yes", False: "no"}
_NAMES = {
    "memory_bytes": "memory", "physical_cores": "cores", "logical_cores": "logical cores", "cpu": "processor",
    "smt": "simultaneous multithreading", "os": "system", "governor": "frequency governor",
}  # fmt: skip
_MEANINGS = {
    "processes": "processes per block", "precision": "intervals aimed at", "max_seconds": "longest block (s)",
    "timeout": "longest step (s)", "max_memory": "memory of a worker", "memory": "peak memory measured",
}  # fmt: skip
_VERSIONS = ("psubench", "torch", "numpy", "python")


def headers(run: Sequence[Record]) -> list[Run]:
    """The records that begin a run and each of its continuations."""
    return [record for record in run if isinstance(record, Run)]


def name(run: Sequence[Record]) -> str:
    """The id under which a run began."""
    return str(headers(run)[0].run_id)


def machine(run: Sequence[Record]) -> dict[str, str]:
    """Fact -> text about the machine, the device and the versions."""
    environment = headers(run)[0].environment
    device = environment.get("device")
    parts = dict(device) if isinstance(device, Mapping) else {"device": device}
    return {
        "run": name(run),
        "started": ", ".join(str(header.started or UNKNOWN) for header in headers(run)),
        **{_NAMES.get(key, _spaced(key)): _text(key, value) for key, value in environment.items()},
        **{(k if k == "device" else f"device {_spaced(k)}"): _text(k, v) for k, v in parts.items()},
    }


def settings(run: Sequence[Record]) -> dict[str, str]:
    """Setting -> text, and the environment that was set before torch was imported."""
    header = headers(run)[0]
    given = {
        _MEANINGS.get(k, _spaced(k)): "none" if v is None else _text(k, v) for k, v in header.settings.items()
    }
    variables = header.worker_environment
    plugins = header.plugins
    return {
        **given,
        "seed": _text("seed", header.seed),
        **{str(key): str(value) for key, value in variables.items()},
        **{f"plug-in {key}": f"SHA-256 {value}" for key, value in plugins.items()},
    }


def commands(run: Sequence[Record]) -> list[str]:
    """The command lines that made a run, as they were given: the start, and what continued it."""
    lines = [shlex.join(["psubench", *header.argv]) for header in headers(run)]
    return list(dict.fromkeys(lines))


def folder(run: Sequence[Record]) -> str | None:
    """The folder that the run's command named with `--out`; None if it named none."""
    found = None
    for header in headers(run):
        argv = header.argv
        pieces = [argument.split("=", 1)[1] for argument in argv if argument.startswith("--out=")]
        pieces += [after for before, after in pairwise(argv) if before == "--out"]
        found = found or (pieces[-1] if pieces else None)
    return found


def captions(run: Sequence[Record]) -> dict[str, str]:
    """Machine and versions in a line each, for captions."""
    environment = headers(run)[0].environment
    processor = str(environment.get("cpu") or UNKNOWN) + (" (virtual)" if environment.get("virtual") else "")
    cores = environment.get("physical_cores")
    device = environment.get("device")
    graphics = str(device.get("name", "")) if isinstance(device, Mapping) else ""
    machine = f"{processor}, {UNKNOWN if cores is None else cores} cores"
    versions = ", ".join(f"{n} {environment[n]}" for n in _VERSIONS if environment.get(n))
    return {
        "machine": ", ".join(filter(None, (graphics, machine))),
        "versions": versions or UNKNOWN,
        "run": name(run),
    }


def of_rows(rows: Sequence[Any], runs: Sequence[Sequence[Record]]) -> dict[str, str]:
    """The same for those runs of which rows are; what differs stands beside each other."""
    ids = {row.run_id for row in rows}
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        if ids & {header.run_id for header in headers(run)}:
            for fact, text in captions(run).items():
                found.setdefault(fact, {})[text] = None
    return {fact: " / ".join(texts) for fact, texts in found.items()}


def ended(run: Sequence[Record]) -> str:
    """How a run ended: `complete`, `interrupted`, or that nothing says so."""
    last = run[-1] if run else None
    return last.status if isinstance(last, End) else "killed before its end, or still going on"


def data(name: str) -> str:
    """A data set with the word `synthetic` or `plug-in` where it is one."""
    spec = TABLE.get(name.split("(")[0])
    if spec is None:
        return f"{name} (plug-in)"
    return name if spec.real else f"{name} (synthetic)"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _spaced(key: str) -> str:
    return key.replace("_", " ")


def _text(key: str, value: Any) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, Mapping):
        return ", ".join(f"{_spaced(str(k))} {_text(str(k), v)}" for k, v in value.items())
    if key in ("memory_bytes", "max_memory"):
        return f"{value / 2**30:.1f} GiB"
    if key == "precision":
        return f"{100 * value:g} %"
    return f"{value:g}" if isinstance(value, float) else str(value)
