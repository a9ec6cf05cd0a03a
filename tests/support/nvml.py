"""A stand-in for NVML's Python border."""

import sys
from types import ModuleType


class FakeNVMLError(Exception):
    pass


def fake_nvml(monkeypatch, gpus=2, **answers):
    """Installs a pynvml with so many GPUs. An answer is a value, an exception, or a list of both in turn."""
    module = ModuleType("pynvml")
    module.NVMLError = FakeNVMLError

    def function(name, default):
        def ask(*arguments):
            answer = answers.get(name, default)
            if isinstance(answer, list):
                answer = answer.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer(*arguments) if callable(answer) else answer

        return ask

    def by_uuid(uuid):
        if uuid not in (*uuids, "MIG-77"):
            raise FakeNVMLError("Not Found")
        return uuids.index(uuid) if uuid in uuids else "mig"

    uuids = [f"GPU-{index}{index}-abc" for index in range(gpus)]
    defaults = {
        "nvmlInit": None,
        "nvmlDeviceGetCount": gpus,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetHandleByUUID": by_uuid,
        "nvmlDeviceGetUUID": lambda handle: "MIG-77" if handle == "mig" else uuids[handle],
        "nvmlDeviceGetName": lambda handle: f"Model {handle}",
        "nvmlSystemGetDriverVersion": "575.1",
        "nvmlDeviceGetClockInfo": lambda handle, kind: {1: 1980, 2: 2619}[kind],
        "nvmlDeviceGetTemperature": lambda handle, sensor: 41,
        "nvmlDeviceGetPowerUsage": 123_456,
        **dict.fromkeys((f"nvmlDeviceGetCurrentClocks{word}Reasons" for word in ("Event", "Throttle")), 0),
        "nvmlDeviceGetTotalEnergyConsumption": 5_000,
        "nvmlDeviceGetComputeRunningProcesses": lambda handle: [],
    }
    for name, default in defaults.items():
        setattr(module, name, function(name, default))
    monkeypatch.setitem(sys.modules, "pynvml", module)
