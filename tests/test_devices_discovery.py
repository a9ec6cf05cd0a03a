"""Which GPU is meant and why there is none, over a stand-in for NVML's Python border."""

import sys

import pytest
from support.nvml import FakeNVMLError, fake_nvml

from psubench.devices import available, discovery, resolve, worker_environment
from psubench.devices.nvml import Nvml
from psubench.errors import PsubenchError


@pytest.fixture
def cuda_torch(tmp_path, monkeypatch):
    """A torch that was built with CUDA, as far as its version file says."""
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('torch must not be imported')")
    (package / "version.py").write_text(
        "from typing import Optional\n__version__ = '9.9.0+cu130'\ncuda: Optional[str] = '13.0'\nhip = None\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return package / "version.py"


def problem(text):
    with pytest.raises(PsubenchError) as caught:
        resolve(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_state_of_a_gpu(monkeypatch):
    fake_nvml(monkeypatch, nvmlDeviceGetCurrentClocksEventReasons=0x04 | 0x01 | 0x40)
    gpu = Nvml().gpus()[1]
    assert gpu.state() == {
        "sm_clock_mhz": 1980,
        "memory_clock_mhz": 2619,
        "temperature_c": 41,
        "power_w": 123.456,
        "clock_reasons": ["power cap", "thermal (hardware)", "idle"],
        "unknown": {},
    }
    assert gpu.slowdowns() == ["power cap", "thermal (hardware)"]


@pytest.mark.parametrize(
    ("mask", "names"), [(0, []), (0x1 | 0x2 | 0x10 | 0x100, []), (0x80, ["power brake"])]
)
def test_only_heat_power_and_faults_throttle(monkeypatch, mask, names):
    fake_nvml(monkeypatch, nvmlDeviceGetCurrentClocksEventReasons=mask)
    assert Nvml().gpus()[0].slowdowns() == names


def test_our_names_are_nvmls_bits():
    pynvml = pytest.importorskip("pynvml")
    from psubench.devices import nvml

    known = {
        pynvml.nvmlClocksEventReasonSwPowerCap,
        pynvml.nvmlClocksThrottleReasonHwSlowdown,
        pynvml.nvmlClocksEventReasonSwThermalSlowdown,
        pynvml.nvmlClocksThrottleReasonHwThermalSlowdown,
        pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown,
        pynvml.nvmlClocksThrottleReasonBoardLimit,
    }
    assert nvml.SLOWDOWNS.keys() == known
    assert sum(nvml.SLOWDOWNS | nvml.OTHER_REASONS) == pynvml.nvmlClocksThrottleReasonAll
    assert (nvml.CLOCK_SM, nvml.CLOCK_MEMORY) == (pynvml.NVML_CLOCK_SM, pynvml.NVML_CLOCK_MEM)
    assert nvml.SENSOR_GPU == pynvml.NVML_TEMPERATURE_GPU


def test_what_nvml_refuses_is_none_with_a_reason(monkeypatch):
    denied = FakeNVMLError("Insufficient Permissions")
    fake_nvml(
        monkeypatch, nvmlDeviceGetPowerUsage=denied, nvmlDeviceGetClockInfo=FakeNVMLError("Not Supported")
    )
    state = Nvml().gpus()[0].state()
    assert (state["power_w"], state["sm_clock_mhz"], state["temperature_c"]) == (None, None, 41)
    assert state["unknown"] == {
        "power_w": "nvmlDeviceGetPowerUsage: Insufficient Permissions",
        "sm_clock_mhz": "nvmlDeviceGetClockInfo: Not Supported",
        "memory_clock_mhz": "nvmlDeviceGetClockInfo: Not Supported",
    }


def test_a_gpu_that_is_lost_between_two_questions(monkeypatch):
    fake_nvml(monkeypatch, nvmlDeviceGetPowerUsage=[5000, FakeNVMLError("GPU is lost"), 6000])
    gpu = Nvml().gpus()[0]
    assert [gpu.state()["power_w"] for _ in range(3)] == [5.0, None, 6.0]


def test_old_drivers_know_the_mask_by_its_old_name(monkeypatch):
    missing = FakeNVMLError("Function Not Found")
    fake_nvml(
        monkeypatch,
        nvmlDeviceGetCurrentClocksEventReasons=missing,
        nvmlDeviceGetCurrentClocksThrottleReasons=0x08,
    )
    gpu = Nvml().gpus()[0]
    assert gpu.slowdowns() == gpu.state()["clock_reasons"] == ["hardware slowdown"]


def test_an_unknown_mask_is_not_an_empty_one(monkeypatch):
    missing = FakeNVMLError("Function Not Found")
    fake_nvml(
        monkeypatch,
        nvmlDeviceGetCurrentClocksEventReasons=missing,
        nvmlDeviceGetCurrentClocksThrottleReasons=missing,
    )
    state = Nvml().gpus()[0].state()
    assert state["clock_reasons"] is None
    assert "Function Not Found" in state["unknown"]["clock_reasons"]


def test_without_a_driver_the_real_border_gives_a_reason():
    nvml = Nvml()
    if nvml.reason is None:
        pytest.skip("this machine has an NVIDIA driver")
    assert nvml.gpus() == []
    assert nvml.driver() is None
    assert nvml.ask("nvmlDeviceGetCount") == (None, nvml.reason)


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        (None, ["Model 0", "Model 1", "Model 2"]),
        ("2,0", ["Model 2", "Model 0"]),
        ("GPU-11-abc", ["Model 1"]),
        ("GPU-2,1", ["Model 2", "Model 1"]),
        ("GPU-", []),  # ambiguous
        ("1,-1,0", ["Model 1"]),
        ("1,7,0", ["Model 1"]),
        ("1,1", []),
        ("", []),
        ("MIG-77", ["Model mig"]),
        ("MIG-78", []),
    ],
)
def test_cuda_visible_devices(monkeypatch, cuda_torch, setting, names):
    fake_nvml(monkeypatch, gpus=3)
    if setting is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", setting)
    gpus = [device for device in available() if device.name.startswith("cuda:")]
    assert [device.about.split(",")[0] for device in gpus] == names
    assert [device.name for device in gpus] == [f"cuda:{index}" for index in range(len(names))]
    assert resolve(None) == ("cuda:0" if names else "cpu")


def test_the_identity_of_a_gpu_survives_renumbering(monkeypatch, cuda_torch):
    fake_nvml(monkeypatch)
    assert discovery.identity("cuda:1") == "GPU-11-abc"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert discovery.identity("cuda:0") == "GPU-11-abc"
    assert discovery.identity("cpu") == "cpu"


def test_names_are_resolved(monkeypatch, cuda_torch):
    fake_nvml(monkeypatch)
    assert [resolve(text) for text in (None, "cuda", "cuda:1", "cpu", "scripted")] == [
        "cuda:0",
        "cuda:0",
        "cuda:1",
        "cpu",
        "scripted",
    ]
    assert problem("cuda:2") == 'device "cuda:2" does not exist; this machine has cuda:0, cuda:1'


@pytest.mark.parametrize("text", ["cuda:", "cuda:x", "cuda:-1", "cdua", "CPU", "", "gpu"])
def test_unknown_names_list_the_known_ones(text):
    assert problem(text).startswith(f'device "{text}" does not exist')
    assert "known: cpu, cuda, cuda:0, scripted" in problem(text)


def test_a_torch_without_cuda_is_named(monkeypatch, cuda_torch):
    cuda_torch.write_text("__version__ = '9.9.0+cpu'\ncuda = None\n")
    fake_nvml(monkeypatch)
    assert resolve(None) == "cpu"
    assert problem("cuda").startswith('device "cuda" cannot be used: torch 9.9.0+cpu was built without CUDA;')
    assert [device.name for device in available() if not device.usable] == ["cuda"]


def test_a_missing_driver_is_named(monkeypatch, cuda_torch):
    fake_nvml(monkeypatch, nvmlInit=FakeNVMLError("NVML Shared Library Not Found"))
    assert "no NVIDIA driver answers (nvmlInit: NVML Shared Library Not Found)" in problem("cuda:1")
    assert resolve(None) == "cpu"


def test_hidden_and_missing_gpus_are_told_apart(monkeypatch, cuda_torch):
    fake_nvml(monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert 'CUDA_VISIBLE_DEVICES="-1" hides every GPU' in problem("cuda")
    fake_nvml(monkeypatch, gpus=0)
    assert "the NVIDIA driver finds no GPU" in problem("cuda")


def test_only_a_gpus_worker_gets_cuda_settings():
    cpu, cuda = worker_environment(3, "cpu"), worker_environment(3, "cuda:1")
    assert {name for name in cuda if "CUDA" in name} == {"CUDA_DEVICE_ORDER", "CUDA_MODULE_LOADING"}
    assert not [name for name in cpu if "CUDA" in name]
    assert {value for name, value in cpu.items() if name.endswith("_NUM_THREADS")} == {"3"}
