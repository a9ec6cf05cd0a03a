"""Where neurons are measured: the processor, a GPU, or a fake clock. Importing this needs no torch."""

from __future__ import annotations

from psubench.devices.device import Counters, Device, Sample
from psubench.devices.discovery import DeviceInfo, available, identity, resolve
from psubench.devices.host import machine, memory_limit_bytes
from psubench.devices.lock import device_lock
from psubench.devices.worker_environment import worker_environment

__all__ = [
    "Counters",
    "Device",
    "DeviceInfo",
    "Sample",
    "available",
    "device_lock",
    "identity",
    "machine",
    "memory_limit_bytes",
    "open_device",
    "resolve",
    "worker_environment",
]


def open_device(name: str, *, T: int, phase: str, seed: int) -> Device:
    """Makes a device ready for sampling in this process.

    Args:
        T, phase, seed: of the block; only the scripted device, which must invent durations, reads them.

    Raises:
        PsubenchError: there is no such device here, or torch cannot use it.
    """
    name = resolve(name)
    if name == "scripted":
        from psubench.devices.scripted import Scripted

        return Scripted(T, phase, seed)
    if name == "cpu":
        from psubench.devices.cpu import Cpu

        return Cpu()
    from psubench.devices.cuda import Cuda

    return Cuda(int(name.removeprefix("cuda:")))
