"""The Triton kernels in Triton's interpreter, against the C++ ones. On a GPU they have not run yet."""

import subprocess
import sys

import pytest

pytest.importorskip("triton", reason="Triton is not installed: pip install 'psubench[triton]'")

# The interpreter must be chosen before Triton is imported, and slows every kernel down: a process of its own.
CODE = """
import os, sys
os.environ["TRITON_INTERPRET"] = "1"
sys.path[:0] = %r
import torch
from psubench.neurons import fused_triton, native

def both(name, tensors, rest, dtype):
    found = []
    for operators in (native.ops(), fused_triton):
        leaves = [None if t is None else t.detach().clone().requires_grad_() for t in tensors]
        spikes = getattr(operators, name)(*arrange(name, leaves, rest))
        torch.manual_seed(5)
        cotangent = torch.randn(spikes.shape).to(dtype)
        given = [leaf for leaf in leaves if leaf is not None]
        found.append((spikes.detach(), torch.autograd.grad(spikes, given, cotangent)))
    (spikes, due), (got, gradients) = found
    assert torch.equal(got, spikes), (name, rest)
    assert spikes.shape[0] == 1 or 0 < spikes.mean() < 1
    loose = dict(rtol=1e-5, atol=1e-5) if dtype != torch.bfloat16 else dict(rtol=2e-2, atol=2e-2)
    for one, other in zip(gradients, due, strict=True):
        torch.testing.assert_close(one, other, **loose)

def arrange(name, leaves, rest):
    if name == "serial":
        return leaves[0], 0.4, leaves[1], *rest
    return *leaves, *rest

fused_triton.CHUNK, fused_triton.BLOCK = 3, 8  # several chunks and blocks of few steps and neurons
rate = torch.tensor(0.3)

def noise(T, N, dtype):
    return (torch.randn(T, N) + 0.7).to(dtype)

def every(T, dtype, resets):
    torch.manual_seed(T)
    x = noise(T, 11, dtype)
    for reset, detach in resets:
        both("serial", [x, rate], (detach, 0.4, 2.0, reset, detach), dtype)  # decay_input goes along
    both("psu", [x, noise(T, 11, dtype)], (0.5, 0.5, 0.5, 0.8, 0.3, 2.0), dtype)
    both("band", [x, noise(T, 2, dtype), noise(T, 1, dtype)], (2.0,), dtype)
    both("band", [x, noise(1, 4, dtype), noise(1, 1, dtype)], (2.0,), dtype)

every(5, torch.float32, [(reset, detach) for reset in (0, 1, 2) for detach in (True, False)])
every(1, torch.float32, [])
every(4, torch.float64, [(2, False)])
every(4, torch.bfloat16, [(1, True)])
both("serial", [noise(5, 11, torch.float32), None], (True, 0.4, 2.0, 1, True), torch.float32)
both("psu", [noise(5, 11, torch.float32), None], (0.5, 0.5, 0.5, 0.8, 0.3, 2.0), torch.float32)
"""


def test_equal_to_the_operators_of_the_cpu():
    done = subprocess.run(
        [sys.executable, "-c", CODE % (sys.path,)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
