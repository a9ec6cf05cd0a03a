"""Traces written by hand: a GPU, memory, and times of many digits."""

import pytest

from psubench.experiments.profile import trace as profile_trace
from psubench.experiments.profile.trace import events, memory


def span(name, start, duration, kind="cpu_op", thread=1, **args):
    """Microseconds, as torch writes them."""
    return {"ph": "X", "cat": kind, "name": name, "tid": thread, "ts": start, "dur": duration, "args": args}


NODE = "autograd::engine::evaluate_function: "
GPU = [
    span("ProfilerStep#2", 0, 1000, "user_annotation"),
    span("forward", 10, 300, "user_annotation"),
    span("fc1: Linear", 20, 100, "user_annotation"),
    span("aten::addmm", 30, 50, **{"Sequence number": 7}),
    span("cudaLaunchKernel", 40, 5, "cuda_runtime", correlation=1),
    span("neuron1: lif", 130, 100, "user_annotation"),
    span("aten::ge", 140, 20, **{"Sequence number": 8}),
    span("cudaLaunchKernel", 150, 5, "cuda_runtime", correlation=2),
    span("aten::mul", 170, 20, **{"Sequence number": 8}),
    span("cuLaunchKernel", 180, 5, "cuda_driver", correlation=3),
    span("aten::copy_", 200, 20, **{"Sequence number": 9}),
    span("cudaMemcpyAsync", 205, 5, "cuda_runtime", correlation=4),
    span(NODE + "MulBackward0", 400, 60, thread=2, **{"Sequence number": 8}),
    span("aten::mul", 410, 20, thread=2),
    span("cudaLaunchKernel", 415, 5, "cuda_runtime", thread=2, correlation=5),
    span(NODE + "Strange", 500, 60, thread=2, **{"Sequence number": 99}),
    span("cudaLaunchKernel", 510, 5, "cuda_runtime", thread=2, correlation=6),
    span("gemm", 60, 400, "kernel", thread="stream 7", correlation=1),
    span("compare", 460, 30, "kernel", thread="stream 7", correlation=2),
    span("multiply", 490, 20, "kernel", thread="stream 7", correlation=3),
    span("Memcpy DtoD", 510, 7, "gpu_memcpy", thread="stream 7", correlation=4),
    span("multiply", 520, 40, "kernel", thread="stream 7", correlation=5),
    span("strange", 560, 3, "kernel", thread="stream 7", correlation=6),
    # After the recorded call: counts for nothing.
    span("aten::add", 1001, 20),
    span("cudaLaunchKernel", 1002, 5, "cuda_runtime", correlation=7),
    span("add", 1010, 500, "kernel", thread="stream 7", correlation=7),
]
LAYERS = [
    {"title": "fc1: Linear", "layer": "fc1", "role": "synapse", "kind": "Linear"},
    {"title": "neuron1: lif", "layer": "neuron1", "role": "neuron", "kind": "lif"},
]


def allocation(at, size, device=0, thread=1):
    args = {"Device Type": device, "Bytes": size}
    return {"ph": "i", "cat": "cpu_instant_event", "name": "[memory]", "tid": thread, "ts": at, "args": args}


def test_kernels_belong_to_the_layer_that_launched_them():
    found = profile_trace.summarise(events.parse(GPU), LAYERS, on_device=True)
    sums = {
        (layer["layer"], way): (layer[way]["device_ns"], layer[way]["launches"])
        for layer in found["layers"]
        for way in ("forward", "backward")
    }
    assert sums == {
        ("fc1", "forward"): (400_000, 1),
        ("fc1", "backward"): (0, 0),
        ("neuron1", "forward"): (57_000, 2),  # a copy takes time and is not a kernel launch
        ("neuron1", "backward"): (40_000, 1),  # mul was the last operator that saw number 8
        ("(no layer)", "forward"): (0, 0),
        ("(no layer)", "backward"): (0, 0),
        ("(unattributed)", "forward"): (0, 0),
        ("(unattributed)", "backward"): (3_000, 1),
    }
    assert found["forward_ns"] == 310_000
    by_name = {(one["operator"], one["role"]): one for one in found["operators"]}
    assert by_name["aten::addmm", "synapse"]["device_ns"] == 400_000
    assert by_name["aten::mul", "neuron"] == {
        "operator": "aten::mul", "role": "neuron", "calls": 2, "self_ns": 30_000, "total_ns": 40_000,
        "device_ns": 60_000, "bytes": 0,
    }  # fmt: skip
    assert ("aten::add", "other") not in by_name


def test_memory_over_a_call_keeps_every_peak():
    trace = events.parse(
        [
            span("ProfilerStep#2", 0, 240, "user_annotation"),
            span("aten::empty", 9, 3),
            allocation(10, 100),
            allocation(10.5, 50),
            allocation(10.6, -50),
            allocation(100.2, -100),
            allocation(100.3, 7, device=1),
            allocation(200, -30),  # taken before the call began
            allocation(241, 1000),  # after it
        ]
    )
    (call,) = trace.calls()
    found = memory.timeline(trace, call, on_device=False)
    held = found["bytes"]
    assert len(held) == memory.SLICES == 240
    assert (found["peak_bytes"], found["duration_ns"]) == (150, 240_000)
    assert held[:12] == [0] * 10 + [150, 100]
    assert held[99:102] == [100, 100, 0]
    assert held[199:202] == [0, 0, -30]
    assert memory.timeline(trace, call, on_device=True)["peak_bytes"] == 7


def test_times_are_exact_to_the_nanosecond_at_any_uptime(tmp_path):
    path = tmp_path / "trace.json"
    path.write_text(
        '{"traceEvents": [{"ph": "X", "cat": "cpu_op", "name": "a", "tid": 1, "ts": 9007199254740.993,'
        ' "dur": 0.001, "args": {}}, {"ph": "X", "cat": "cpu_op", "name": "b", "tid": 1,'
        ' "ts": 9007199254740.994, "dur": 1, "args": {}}]}'
    )
    first, second = profile_trace.read(path).threads[1]
    assert (first.start, first.end, second.start) == (9007199254740993, 9007199254740994, 9007199254740994)


def test_a_trace_without_a_recorded_call_is_refused():
    with pytest.raises(ValueError, match="no recorded call"):
        profile_trace.summarise(events.parse([span("aten::add", 0, 1)]), [], on_device=False)
