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

fused_triton.CHUNK, fused_triton.BLOCK = 4, 16  # several chunks and blocks of few steps and neurons
for dtype in (torch.float64, torch.float32, torch.bfloat16):
    for T, N in ((1, 5), (6, 21)) if dtype == torch.float32 else ((6, 21),):
        torch.manual_seed(T)
        x, q = ((torch.randn(T, N) + 0.7).to(dtype) for _ in "xq")
        for reset in (0, 1, 2) if dtype == torch.float32 else (2,):
            for detach in (True, False):
                for rate in (None, torch.tensor(0.3)):  # decay_input is set where detach is
                    both("serial", [x, rate], (detach, 0.4, 2.0, reset, detach), dtype)
        for argument in (None, q):
            both("psu", [x, argument], (0.5, 0.5, 0.5, 0.8, 0.3, 2.0), dtype)
        for rows, k in ((1, 3), (T, 4)):
            weights = torch.randn(rows, k).to(dtype)
            both("band", [x, weights, torch.randn(rows, 1).to(dtype)], (2.0,), dtype)
"""


def test_equal_to_the_operators_of_the_cpu():
    done = subprocess.run(
        [sys.executable, "-c", CODE % (sys.path,)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
