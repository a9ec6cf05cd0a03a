"""Checks before anything is measured: data, plug-ins, shapes, memory."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from psubench import data, models, neurons
from psubench.devices import worker_environment
from psubench.errors import USAGE, PsubenchError
from psubench.runs.case import Block, Case

CHECKED = "PSUBENCH_CHECKED"
"""Environment variable: the plug-ins have been imported before, which takes a process with torch."""
_BYTES = {"float64": 8, "float32": 4, "bfloat16": 2}


@dataclass(frozen=True)
class Need:
    """What one case needs.

    Attributes:
        neuron, model, data: texts that `parse` reads.
        size: neurons of the one layer; None for a network.
    """

    neuron: str
    model: str
    data: str
    T: int
    batch: int
    size: int | None = None
    dtype: str = "float32"
    train: bool = False


def check_blocks(blocks: Iterable[Block], max_memory: int) -> None:
    """`check` of everything that blocks will measure."""
    entries = [entry for block in blocks for entry in block.entries if entry.skip is None]
    if entries:
        needs = {need_of(entry.case, entry.ref.text): None for entry in entries}
        check(needs, entries[0].case.device, max_memory)


def check(needs: Iterable[Need], device: str, max_memory: int | None = None) -> None:
    """Raises the first mistake that would fail every case that has it, as a usage error.

    Plug-ins are imported in a separate process, unless `CHECKED` is set, and neither built nor called: a
    failure there is a row of the result.

    Args:
        device: as `devices.resolve` gives it.
        max_memory: bytes that a worker may allocate; None if unknown.
    """
    wanted = list(needs)
    for name in dict.fromkeys(need.data for need in wanted):
        _check_data(data.parse(name))
    if max_memory is not None:
        for need in wanted:
            _check_memory(need, max_memory)
    told = _plugins(wanted)
    if told and CHECKED not in os.environ:
        _ask(told, device)


def _check_data(ref: data.DataRef) -> None:
    if ref.is_plugin or data.TABLE[ref.kind].step is None:
        return
    for split in data.TABLE[ref.kind].splits:
        data.count(ref, split)


def _check_memory(need: Need, most: int) -> None:
    """Input and spikes of the one layer, or the input of a network, must fit; training keeps more."""
    if need.size is None:
        shape = (
            None
            if models.parse(need.model).is_plugin
            else models.TABLE[models.parse(need.model).kind].input_shape
        )
        entries, copies = math.prod(shape or (1,)), 1
    else:
        entries, copies = need.size, 4 if need.train else 2
    least = copies * need.T * need.batch * entries * _BYTES.get(need.dtype, 4)
    if least > most:
        raise PsubenchError(
            f"T = {need.T}, batch = {need.batch} and {entries} values per step need at least {_size(least)},"
            f" and a worker may allocate {_size(most)}",
            "use fewer steps, samples or neurons, or raise --max-memory",
        )


def _size(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"


def _plugins(needs: Iterable[Need]) -> list[dict[str, str]]:
    """The plug-ins that must be imported, each once."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for need in needs:
        ref = neurons.parse(need.neuron)
        if ref.is_plugin and ref.kind != neurons.OWN:
            found["neuron", ref.text] = {"kind": "neuron", "text": ref.text}
        if data.parse(need.data).is_plugin:
            found["data", need.data] = {"kind": "data", "text": need.data}
    return list(found.values())


def _ask(wanted: list[dict[str, str]], device: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "psubench.measure.importable"],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        env={**os.environ, **worker_environment(1, device)},
        check=False,
    )
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return  # a plug-in that ends the process fails its own row, not the run
    if told is not None:
        raise PsubenchError(told["what"], told["remedy"], USAGE)


def need_of(case: Case, neuron: str) -> Need:
    """What a case that is timed, counted or profiled needs; `neuron` is its text."""
    fields = {name: getattr(case, name) for name in ("model", "data", "T", "batch", "size", "dtype")}
    return Need(neuron=neuron, train=case.phase == "train", **fields)
