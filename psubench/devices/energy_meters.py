"""Which energy counters a device has: RAPL for the processor, NVML for a GPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from psubench.devices import rapl
from psubench.devices.discovery import identity
from psubench.devices.energy_counter import Absence, Counter, Reading
from psubench.devices.nvml import Gpu, Nvml
from psubench.errors import UnsupportedError

ROOT_VARIABLE = "PSUBENCH_HOST_ROOT"
"""Environment variable for the folder that contains the host's `sys`: `/host` in a container."""

NVML = "nvml"
MILLIJOULE = 1e-3


class Meters(NamedTuple):
    """The counters of a device, and what keeps others from being used."""

    counters: list[Counter]
    absent: list[Absence]


def meters(device: str) -> Meters:
    """The counters whose sum is the energy of a device.

    For the processor its packages and memory, for a GPU its board; its joules do not include
    the host that feeds the GPU.

    Args:
        device: as `discovery.resolve` gives it.
    """
    if device == "cpu":
        return Meters(*rapl.find(Path(os.environ.get(ROOT_VARIABLE, "/"))))
    if device == "scripted":
        return Meters([], [Absence(device, "the fake clock uses no energy", "choose another --device")])
    nvml = Nvml()
    return board(nvml, nvml.gpu(identity(device)))


def board(nvml: Nvml, gpu: Gpu | None) -> Meters:
    """The counter of one GPU."""
    if gpu is None:
        reason = nvml.reason or "NVML does not know a GPU with this UUID"
        return Meters([], [Absence(NVML, reason, "install or start the NVIDIA driver")])
    counter = Counter(NVML, gpu.uuid() or "GPU", MILLIJOULE, None, lambda: Reading(*gpu.energy_mj()))
    reading = counter.read()
    if reading.value is None:
        remedy = "it counts from Volta on, of a whole GPU and not of a MIG instance"
        return Meters([], [Absence(NVML, f"{counter.name}: {reading.reason}", remedy)])
    return Meters([counter], [])


def require(device: str) -> list[Counter]:
    """The counters of a device that has some.

    Raises:
        UnsupportedError: it has none; the message gives the reason and the remedy.
    """
    counters, absent = meters(device)
    if not counters:
        raise UnsupportedError(f"{device} has no energy counter: {absent[0].reason}", absent[0].remedy)
    return counters
