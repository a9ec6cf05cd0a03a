"""The Triton kernels, in Triton's interpreter and on a GPU where one is, against the C++ ones."""

import os
import subprocess
import sys

import pytest
import torch
from support.command_line import LONGEST_SECONDS

pytestmark = pytest.mark.slow

pytest.importorskip("triton", reason="Triton is not installed: pip install 'psubench[triton]'")

# The interpreter must be chosen before Triton is imported, and slows every kernel down: a process of its own.
CODE = """
import sys
sys.path[:0] = %r
import torch
from psubench.neurons import cpp_build, fused_triton

DEVICE = %r

def both(name, tensors, rest, dtype):
    found = []
    for operators, device in ((cpp_build.ops(), "cpu"), (fused_triton, DEVICE)):
        leaves = [None if t is None else t.detach().to(device, copy=True).requires_grad_() for t in tensors]
        spikes = getattr(operators, name)(*leaves, *rest)
        torch.manual_seed(5)
        cotangent = torch.randn(spikes.shape).to(dtype).to(device)
        given = [leaf for leaf in leaves if leaf is not None]
        gradients = torch.autograd.grad(spikes, given, cotangent)
        with torch.inference_mode():
            assert torch.equal(getattr(operators, name)(*leaves, *rest), spikes)
        found.append((spikes.detach().cpu(), [one.cpu() for one in gradients]))
    (spikes, due), (got, gradients) = found
    # A GPU rounds otherwise, so potentials within rounding of the threshold may fall to either side there.
    equal = (got == spikes).all(0)
    assert equal.all() if DEVICE == "cpu" else equal.float().mean() > 0.999, (name, rest)
    assert spikes.shape[0] == 1 or 0 < spikes.abs().mean() < 3
    loose = dict(rtol=1e-5, atol=1e-5) if dtype != torch.bfloat16 else dict(rtol=2e-2, atol=2e-2)
    for one, other in zip(gradients, due, strict=True):
        if one.shape == got.shape:
            torch.testing.assert_close(one[:, equal], other[:, equal], **loose)
        elif equal.all():
            torch.testing.assert_close(one, other, **loose)

rate = torch.tensor(0.3)

SECOND = [
    ("cuba-lif-soft", (0.5, 1.0, True, 0.5, 0.75)), ("cuba-lif-hard", (0.5, 1.0, False, 0.5, 0.75)),
    ("clif", (0.7, 1.0, 0.5)), ("ilif", (0.4, 0.75, 4, True)), ("ilif", (0.4, 0.75, 2, False)),
    ("ternary-lif-soft", (0.7, 4.0, False, 0.75)), ("ternary-lif-hard", (0.7, 4.0, False, 0.75)),
]

def second(T, N, dtype):
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    for neuron, numbers in SECOND:
        both("serial", [noise(T, N, dtype), None, None], (neuron, tuple(map(float, numbers))), dtype)
    for neuron, numbers, shared, own in (
        ("cuba-lif-hard", (0.5, 1.0, 0.0), 2, 0), ("tc-lif", (0.7, 1.0, 0.5), 2, 0),
        ("glif", (1.0,), 5 + T, 0), ("adlif", (0.3, 1.0), 0, 5),
    ):
        x = noise(T, 6 * N, dtype).view(T, 2, 3, N)
        both("serial", [x, None, torch.rand(shared + own * 3, dtype=wide)], (neuron, numbers), dtype)

def noise(T, N, dtype):
    return (torch.randn(T, N) + 0.7).to(dtype)

def every(T, N, dtype, resets):
    torch.manual_seed(T)
    x = noise(T, N, dtype)
    for reset, detach in resets:
        if reset != "none":
            both("serial", [x, None, rate], (f"lif-{reset}", (detach, 0.4, 2.0, detach)), dtype)
        both("serial", [x, None, None], (f"lif-{reset}", (not detach, 0.4, 2.0, detach, 0.4)), dtype)
    both("serial", [x, noise(T, N, dtype), None], ("rpsu", (0.5, 0.5, 0.5, 0.8, 0.3, 2.0)), dtype)
    both("serial", [x, None, None], ("psu", (0.5, 0.5, 0.5, 0.8, 0.3, 2.0)), dtype)
    both("band", [x, noise(T, 2, dtype), noise(T, 1, dtype)], (2.0,), dtype)
    both("band", [x, noise(1, 4, dtype), noise(1, 1, dtype)], (2.0,), dtype)

ALL = [(reset, detach) for reset in ("none", "soft", "hard") for detach in (True, False)]
if DEVICE == "cpu":
    fused_triton.CHUNK, fused_triton.BLOCK = 3, 8  # several chunks and blocks of few steps and neurons
    every(5, 11, torch.float32, ALL)
    every(1, 11, torch.float32, [])
    second(5, 3, torch.float32)
    second(4, 3, torch.float64)
    every(4, 11, torch.float64, [("soft", True), ("soft", False), ("hard", False)])
    every(4, 11, torch.bfloat16, [("soft", True)])
else:
    every(37, 1001, torch.float32, [("none", True), ("soft", True), ("soft", False), ("hard", False)])
    every(128, 4096, torch.float32, [("soft", True)])
    every(1, 301, torch.float32, [("soft", True)])
    second(37, 301, torch.float32)
    every(37, 301, torch.float64, [("soft", False), ("hard", False)])
    every(20, 301, torch.bfloat16, [("soft", True)])
"""


def run(device, **variables):
    return subprocess.run(
        [sys.executable, "-c", CODE % (sys.path, device)], capture_output=True, text=True, check=False,
        timeout=LONGEST_SECONDS, env={**os.environ, **variables},
    )  # fmt: skip


def test_equal_to_the_operators_of_the_cpu_in_the_interpreter():
    done = run("cpu", TRITON_INTERPRET="1")
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU that torch can use")
def test_equal_to_the_operators_of_the_cpu_on_a_gpu():
    done = run("cuda")
    assert done.returncode == 0, done.stderr[-2000:]
