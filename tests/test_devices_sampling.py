"""The devices themselves: what is inside a window, and the fake clock."""

import itertools
import math
import os
import statistics
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from psubench.devices import open_device, worker_environment
from psubench.devices.cpu import Cpu
from psubench.devices.cuda import Cuda
from psubench.devices.scripted import Scripted
from psubench.errors import PsubenchError, UnsupportedError

pytestmark = pytest.mark.slow


def test_a_cpu_window_holds_the_calls_and_nothing_else():
    events = []
    ticks = itertools.count(0, 7)

    def clock():
        events.append("clock")
        return next(ticks)

    sample = Cpu(clock=clock).sample("x", lambda: events.append("call"), 3)
    assert events == ["clock", "call", "call", "call", "clock"]
    assert (sample.wall_ns, sample.device_ns) == (7, None)


def test_cpu_counters_count_faults_and_processor_time():
    cpu = Cpu()
    before = cpu.counters()
    memory = bytearray(b"\1" * (64 << 20))
    after = cpu.counters()
    assert after.minor_faults - before.minor_faults >= len(memory) // (2 << 20)
    assert after.cpu_ns > before.cpu_ns


def test_cpu_says_what_it_is():
    about = open_device("cpu", T=4, phase="infer", seed=0).describe()
    assert about["threads"] == torch.get_num_threads()
    assert about["memory_bytes"] > 1 << 28
    assert about["instruction_set"] == torch.backends.cpu.get_cpu_capability()


FAULTS = """
import itertools, sys, torch
from psubench.devices.cpu import Cpu

cpu = Cpu()
threads_and_sizes = itertools.product(*(map(float, argument.split(",")) for argument in sys.argv[1:]))
for threads, mebibytes in threads_and_sizes:
    torch.set_num_threads(int(threads))
    x = torch.ones(int(mebibytes * 2**18))
    cpu.settle(x.nbytes)
    leaf = x.clone().requires_grad_(True)
    calls = [lambda: (x * 2 + 1).sigmoid()]
    if mebibytes < 64:
        calls.append(lambda: torch.autograd.grad(((leaf * 2).sigmoid() + 1).tanh(), [leaf], x))
    loops = 40 if mebibytes <= 1 else 5
    for call in calls:
        for _ in range(3):  # as the warm-up does: the heap may grow once more after the first calls
            cpu.sample("", call, 5)
        before = cpu.counters()
        cpu.sample("", call, loops)
        print((cpu.counters().minor_faults - before.minor_faults) // loops)
"""


def faults_per_call(environment, threads, mebibytes):
    # -P and the environment: exactly as a worker starts.
    command = [sys.executable, "-P", "-c", FAULTS, threads, mebibytes]
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    env = {**os.environ, "PYTHONPATH": root, **environment}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="the settings are those of glibc")
def test_workers_have_no_page_faults_after_warming_up():
    assert faults_per_call(worker_environment(2, "cpu"), "1,2", "0.25,1,8") == [0] * 12


@pytest.mark.skipif(sys.platform != "linux", reason="the settings are those of glibc")
def test_with_huge_tensors_the_heap_grows_once_at_most():
    # 64 MiB are 16,384 pages; glibc's own settings cost three times as many in every single call.
    assert all(faults * 5 <= 16_384 for faults in faults_per_call(worker_environment(1, "cpu"), "1", "64"))


@pytest.mark.skipif(sys.platform != "linux", reason="the settings are those of glibc")
def test_without_the_settings_there_are_page_faults():
    assert faults_per_call({"OMP_NUM_THREADS": "1"}, "1", "64")[0] > 1000


def fake_cuda(monkeypatch, events, elapsed_ms=1.25):
    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self, stream=None):
            events.append(f"record on {stream}")

        def elapsed_time(self, other):
            return elapsed_ms

    properties = SimpleNamespace(
        uuid="12ab", name="Fake", total_memory=8, major=9, minor=0, multi_processor_count=4
    )
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "set_device", lambda index: events.append(f"device {index}"))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda index: events.append(f"wait for {index}"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda index: f"stream of {index}")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)


def test_a_cuda_window_waits_on_both_sides_and_has_events_around_the_calls(monkeypatch):
    events = []
    fake_cuda(monkeypatch, events)
    ticks = itertools.count(100, 9)
    device = Cuda(1, clock=lambda: events.append("clock") or next(ticks))
    assert events[0] == "device 1"
    events.clear()
    sample = device.sample("x", lambda: events.append("call"), 2)
    assert events == [
        "wait for 1",
        "clock",
        "record on stream of 1",
        "call",
        "call",
        "record on stream of 1",
        "wait for 1",
        "clock",
    ]
    assert (sample.wall_ns, sample.device_ns) == (9, 1_250_000)


def test_cuda_says_what_nvml_does_not_tell(monkeypatch):
    fake_cuda(monkeypatch, [])
    monkeypatch.setitem(sys.modules, "pynvml", None)  # importing it fails
    device = Cuda(0)
    assert "pynvml" in device.state()["unknown"]["all"]
    assert device.throttled() == []
    about = device.describe()
    assert (about["compute_capability"], about["memory_bytes"], about["driver"]) == ("9.0", 8, None)


@pytest.mark.skipif(torch.version.cuda is not None, reason="this torch has CUDA")
def test_a_torch_without_cuda_is_one_line():
    with pytest.raises(UnsupportedError, match=r"cannot use cuda:0: .*; .*--device cpu") as caught:
        Cuda(0)
    assert "\n" not in str(caught.value)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU that torch can use")
def test_a_real_gpu():
    device = open_device("cuda", T=4, phase="infer", seed=0)
    x = torch.ones(1 << 24, device=device.torch_device)
    device.sample("x", lambda: x * 2, 10)
    one, many = (device.sample("x", lambda: x * 2, loops) for loops in (10, 1000))
    assert 0 < one.device_ns <= one.wall_ns
    assert many.device_ns > 10 * one.device_ns
    assert device.state()["sm_clock_mhz"] > 0
    assert device.describe()["driver"]


def spin():
    pass


def run(device, labels, rounds):
    """Samples as `measure` takes them: per kept round, ns per call by label."""
    calls = {label: (lambda label=label: None) for label in labels}
    calls["again"] = calls[labels[0]]
    kept = []
    for _ in range(rounds):
        samples = {label: device.sample(label, call, 50).wall_ns / 50 for label, call in calls.items()}
        if not device.throttled():
            kept.append(samples)
    return kept


def test_a_script_is_exact_and_repeats():
    device = Scripted(4, "infer", 0, script={"a": 100, "b": [10, 20, 30]})
    assert [device.sample("a", spin, 7).wall_ns for _ in range(2)] == [700, 700]
    assert [device.sample("b", lambda: None, 1).wall_ns for _ in range(1)] == [10]
    assert [device.sample("b", spin, 2).wall_ns for _ in range(4)] == [40, 60, 20, 40]


def test_the_second_sample_of_a_reference_is_like_its_first():
    rounds = run(Scripted(16, "infer", 3), ["reference", "other"], 200)
    again = [math.log(r["reference"] / r["again"]) for r in rounds]
    assert statistics.median(again) == pytest.approx(0, abs=4 * 0.01)
    assert 0.01 < statistics.stdev(again) < 0.02  # noise of two samples with 1 % each: 1.41 %
    other = statistics.median(math.log(r["reference"] / r["other"]) for r in rounds)
    assert abs(other) > 0.1


def test_the_drift_is_common_and_slow():
    rounds = run(Scripted(16, "infer", 3), ["reference", "other"], 67)  # one period: 201 samples
    start, middle = (statistics.mean(r["reference"] for r in part) for part in (rounds[:5], rounds[31:36]))
    assert middle / start == pytest.approx(1.05, abs=0.02)


def test_the_toy_model_grows_with_T_and_backward():
    def ns(T, phase):
        return Scripted(T, phase, 0).sample("lif", spin, 1).wall_ns

    assert ns(4, "infer") < ns(64, "infer") < ns(256, "infer")
    assert ns(64, "train") / ns(64, "infer") == pytest.approx(3, rel=0.15)


def test_equal_seeds_give_equal_runs():
    first, second, other = (run(Scripted(8, "train", seed), ["a", "b"], 5) for seed in (1, 1, 2))
    assert first == second != other


def test_golden_durations():
    device = Scripted(32, "train", 0)
    assert [device.sample(label, spin, 1).wall_ns for label in ("lif", "lif", "lif")] == GOLDEN


GOLDEN = [195783, 196340, 195561]


def test_a_throttled_round_is_slow_and_named():
    device = Scripted(4, "infer", 0, script={"a": 100}, throttled_rounds={1})
    seen = [(device.sample("a", spin, 1).wall_ns, device.throttled()) for _ in range(3)]
    assert seen == [(100, []), (150, ["scripted slowdown"]), (100, [])]


def test_a_scripted_call_runs_once_and_may_fail():
    calls = []
    device = Scripted(4, "infer", 0)
    for _ in range(3):
        device.sample("a", lambda: calls.append(1), 1000) if not calls else None
    count = calls.append
    wrapped = lambda: count(2)  # noqa: E731
    for _ in range(5):
        device.sample("b", wrapped, 1000)
    assert calls == [1, 2]

    def broken():
        raise MemoryError

    for _ in range(2):
        with pytest.raises(MemoryError):
            device.sample("c", broken, 1)


def test_the_scripted_device_is_opened_by_name_and_needs_no_time():
    device = open_device("scripted", T=4, phase="infer", seed=0)
    assert device.describe() == {"name": "fake clock, not a measurement"}
    assert device.counters() == (0, 0)
    assert device.sample("a", spin, 1_000_000).wall_ns > 1e9


def test_unknown_devices_are_not_opened():
    with pytest.raises(PsubenchError, match='"tpu"'):
        open_device("tpu", T=4, phase="infer", seed=0)
