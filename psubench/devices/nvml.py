"""The interface to NVML, NVIDIA's monitoring library. A refused query is None with a reason, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CLOCK_SM, CLOCK_MEMORY = 1, 2  # nvmlClockType_t
SENSOR_GPU = 0  # nvmlTemperatureSensors_t

# nvmlClocksEventReasons: the bits that mean "slower than it could be", and those that do not.
SLOWDOWNS = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x20: "thermal (software)",
    0x40: "thermal (hardware)",
    0x80: "power brake",
    0x200: "board limit",
}
OTHER_REASONS = {
    0x01: "idle",
    0x02: "application clocks",
    0x10: "sync boost",
    0x100: "display clocks",
    0x400: "voltage reliability",  # how high a healthy, cool GPU can go
}


class Nvml:
    """NVML of this machine.

    Attributes:
        reason: why it cannot be used; None if it can.
    """

    def __init__(self) -> None:
        """Loads the library that comes with the driver, if there is one."""
        self.reason: str | None = None
        try:
            import pynvml
        except ImportError as error:
            self.reason = f"pynvml: {error}"
        else:
            self._pynvml = pynvml
            _, self.reason = self.ask("nvmlInit")

    def ask(self, function: str, *arguments: object) -> tuple[Any, str | None]:
        """The answer of one function and None, or None and the reason why there is no answer."""
        if self.reason:
            return None, self.reason
        try:
            return getattr(self._pynvml, function)(*arguments), None
        except self._pynvml.NVMLError as error:
            return None, f"{function}: {error}"

    def gpus(self) -> list[Gpu]:
        """All GPUs of the machine by PCI address, visible to CUDA or not."""
        count, _ = self.ask("nvmlDeviceGetCount")
        handles = (self.ask("nvmlDeviceGetHandleByIndex", index)[0] for index in range(count or 0))
        return [Gpu(self, handle) for handle in handles if handle is not None]

    def gpu(self, uuid: str) -> Gpu | None:
        """The GPU or MIG instance with this UUID; None if NVML does not know it."""
        handle, _ = self.ask("nvmlDeviceGetHandleByUUID", uuid)
        return None if handle is None else Gpu(self, handle)

    def driver(self) -> str | None:
        """Version of the driver."""
        version: str | None = self.ask("nvmlSystemGetDriverVersion")[0]
        return version


@dataclass(frozen=True)
class Gpu:
    """One GPU, by NVML's handle."""

    nvml: Nvml
    handle: Any

    def uuid(self) -> str | None:
        """`GPU-...`, the same in every process whatever CUDA_VISIBLE_DEVICES is."""
        uuid: str | None = self.nvml.ask("nvmlDeviceGetUUID", self.handle)[0]
        return uuid

    def name(self) -> str | None:
        """Product name."""
        name: str | None = self.nvml.ask("nvmlDeviceGetName", self.handle)[0]
        return name

    def state(self) -> dict[str, Any]:
        """Clocks in MHz, temperature in degrees Celsius, power in W, reasons for lowered clocks.

        The power is an average over up to a second. `unknown` gives the reason for each field that is None.
        """
        ask, handle = self.nvml.ask, self.handle
        mask, no_mask = self._mask()
        milliwatt, no_power = ask("nvmlDeviceGetPowerUsage", handle)
        answers = {
            "sm_clock_mhz": ask("nvmlDeviceGetClockInfo", handle, CLOCK_SM),
            "memory_clock_mhz": ask("nvmlDeviceGetClockInfo", handle, CLOCK_MEMORY),
            "temperature_c": ask("nvmlDeviceGetTemperature", handle, SENSOR_GPU),
            "power_w": (None if milliwatt is None else milliwatt / 1e3, no_power),
            "clock_reasons": (None if mask is None else _names(mask, SLOWDOWNS | OTHER_REASONS), no_mask),
        }
        values = {field: value for field, (value, _) in answers.items()}
        return {**values, "unknown": {field: reason for field, (_, reason) in answers.items() if reason}}

    def slowdowns(self) -> list[str]:
        """Active reasons for lowered clocks: heat, power or hardware; empty if NVML does not report them."""
        mask, _ = self._mask()
        return _names(mask or 0, SLOWDOWNS)

    def energy_mj(self) -> tuple[int | None, str | None]:
        """Energy in mJ since the driver was loaded and None, or None and the reason; from Volta on."""
        return self.nvml.ask("nvmlDeviceGetTotalEnergyConsumption", self.handle)

    def processes(self) -> tuple[list[int] | None, str | None]:
        """Numbers of the processes that compute on it and None, or None and the reason."""
        running, reason = self.nvml.ask("nvmlDeviceGetComputeRunningProcesses", self.handle)
        return None if running is None else [process.pid for process in running], reason

    def _mask(self) -> tuple[int | None, str | None]:
        mask, reason = self.nvml.ask("nvmlDeviceGetCurrentClocksEventReasons", self.handle)
        if mask is None:  # drivers before 535 know the function by its old name only
            mask, _ = self.nvml.ask("nvmlDeviceGetCurrentClocksThrottleReasons", self.handle)
        return mask, None if mask is not None else reason


def _names(mask: int, known: dict[int, str]) -> list[str]:
    return [name for bit, name in known.items() if mask & bit]
