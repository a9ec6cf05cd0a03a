"""Triton kernels of `fused_triton`, which says what they do; equations as in fused_rows.h.

Tensors are contiguous [T, N]; a program has BLOCK neurons. Tested in the interpreter only, not yet on a GPU.
"""

# mypy: ignore-errors

from __future__ import annotations

import triton
import triton.language as tl

SOFT, HARD = tl.constexpr(1), tl.constexpr(2)
PI = tl.constexpr(3.141592653589793)


@triton.jit
def _load(where, offsets, mask, real: tl.constexpr):
    return tl.load(where + offsets, mask=mask, other=0.0).to(real)


@triton.jit
def _store(where, offsets, value, mask):
    tl.store(where + offsets, value.to(where.dtype.element_ty), mask=mask)


@triton.jit
def _surrogate(z, alpha):
    return 1 / (2 / alpha + PI * PI * alpha / 2 * z * z)


@triton.jit
def _reset(h, threshold, reset: tl.constexpr):
    v = h
    if reset == SOFT:
        v = h - tl.where(h >= threshold, threshold, 0.0).to(h.dtype)
    if reset == HARD:
        v = tl.where(h >= threshold, 0.0, h)
    return v


@triton.jit
def _logistic(u):
    return 1 / (1 + tl.exp(-u))


@triton.jit
def serial_forward(
    x, spikes, states, T, N, keep, gain, threshold,
    reset: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Spikes, and the potential at the first step of each chunk."""
    real: tl.constexpr = states.dtype.element_ty
    n = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = n < N
    v = tl.zeros([BLOCK], real)
    for t in range(T):
        if t % CHUNK == 0:
            tl.store(states + t // CHUNK * N + n, v, mask=mask)
        h = keep * v + gain * _load(x, t * N + n, mask, real)
        _store(spikes, t * N + n, tl.where(h >= threshold, 1.0, 0.0), mask)
        v = _reset(h, threshold, reset).to(real)


@triton.jit
def serial_backward(
    g, x, states, scratch, gx, sums, T, N, keep, gain, threshold, alpha, decays,
    reset: tl.constexpr, detach: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Gradients of x, and per neuron the sum whose total is the gradient of the rate."""
    real: tl.constexpr = states.dtype.element_ty
    n = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = n < N
    carry = tl.zeros([BLOCK], real)
    total = tl.zeros([BLOCK], real)
    chunks = (T + CHUNK - 1) // CHUNK
    for back in range(chunks):
        chunk = chunks - 1 - back
        first = chunk * CHUNK
        steps = tl.minimum(CHUNK, T - first)
        v = tl.load(states + chunk * N + n, mask=mask, other=0.0)
        for i in range(steps):
            tl.store(scratch + i * N + n, v, mask=mask)
            v = _reset(keep * v + gain * _load(x, (first + i) * N + n, mask, real), threshold, reset).to(real)
        for j in range(steps):
            i = steps - 1 - j
            now = _load(x, (first + i) * N + n, mask, real)
            v = tl.load(scratch + i * N + n, mask=mask, other=0.0)
            h = keep * v + gain * now
            of_spike = _load(g, (first + i) * N + n, mask, real)
            through = carry
            if reset == SOFT and not detach:
                of_spike -= threshold * carry
            if reset == HARD:
                if not detach:
                    of_spike -= h * carry
                through = tl.where(h >= threshold, 0.0, carry)
            of_h = of_spike * _surrogate(h - threshold, alpha) + through
            _store(gx, (first + i) * N + n, gain * of_h, mask)
            total = (total + of_h * (decays * now - v)).to(real)
            carry = (keep * of_h).to(real)
    tl.store(sums + n, total, mask=mask)


@triton.jit
def psu_forward(
    x, q, spikes, states, T, N, leak, gain, keep, scale, threshold,
    apart: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Spikes, and u and r at the first step of each chunk."""
    real: tl.constexpr = states.dtype.element_ty
    n = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = n < N
    u = tl.zeros([BLOCK], real)
    r = tl.zeros([BLOCK], real)
    for t in range(T):
        if t % CHUNK == 0:
            tl.store(states + t // CHUNK * 2 * N + n, u, mask=mask)
            tl.store(states + (t // CHUNK * 2 + 1) * N + n, r, mask=mask)
        u = (leak * u + gain * _load(x, t * N + n, mask, real)).to(real)
        _store(spikes, t * N + n, tl.where(u - r >= threshold, 1.0, 0.0), mask)
        e = u
        if apart:
            e = _load(q, t * N + n, mask, real)
        r = (keep * (r + scale * _logistic(e))).to(real)


@triton.jit
def psu_backward(
    g, x, q, states, scratch, gx, gq, T, N, leak, gain, keep, scale, threshold, alpha,
    apart: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Gradients of x, and of q if it is apart."""
    real: tl.constexpr = states.dtype.element_ty
    n = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = n < N
    carry_u = tl.zeros([BLOCK], real)
    carry_r = tl.zeros([BLOCK], real)
    chunks = (T + CHUNK - 1) // CHUNK
    for back in range(chunks):
        chunk = chunks - 1 - back
        first = chunk * CHUNK
        steps = tl.minimum(CHUNK, T - first)
        u = tl.load(states + chunk * 2 * N + n, mask=mask, other=0.0)
        r = tl.load(states + (chunk * 2 + 1) * N + n, mask=mask, other=0.0)
        for i in range(steps):
            u = (leak * u + gain * _load(x, (first + i) * N + n, mask, real)).to(real)
            e = u
            if apart:
                e = _load(q, (first + i) * N + n, mask, real)
            sigma = _logistic(e)
            tl.store(scratch + i * N + n, u - r, mask=mask)
            tl.store(scratch + (CHUNK + i) * N + n, sigma, mask=mask)
            r = (keep * (r + scale * sigma)).to(real)
        for j in range(steps):
            i = steps - 1 - j
            V = tl.load(scratch + i * N + n, mask=mask, other=0.0)
            sigma = tl.load(scratch + (CHUNK + i) * N + n, mask=mask, other=0.0)
            of_V = _load(g, (first + i) * N + n, mask, real) * _surrogate(V - threshold, alpha)
            of_q = keep * scale * carry_r * sigma * (1 - sigma)
            of_u = of_V + leak * carry_u
            if apart:
                _store(gq, (first + i) * N + n, of_q, mask)
            else:
                of_u += of_q
            _store(gx, (first + i) * N + n, gain * of_u, mask)
            carry_u = of_u.to(real)
            carry_r = (keep * carry_r - of_V).to(real)


@triton.jit
def _potential(
    x, weights, bias, n, mask, t, N, k, weight_stride, bias_stride, real: tl.constexpr, BLOCK: tl.constexpr
):
    V = tl.zeros([BLOCK], real) + tl.load(bias + t * bias_stride).to(real)
    for lag in range(tl.minimum(k, t + 1)):
        weight = tl.load(weights + t * weight_stride + lag).to(real)
        V += weight * _load(x, (t - lag) * N + n, mask, real)
    return V


@triton.jit
def band_forward(x, weights, bias, spikes, N, k, weight_stride, bias_stride, BLOCK: tl.constexpr):
    """Spikes at one step per program."""
    wide: tl.constexpr = tl.float64 if x.dtype.element_ty == tl.float64 else tl.float32
    n = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask, t = n < N, tl.program_id(1)
    V = _potential(x, weights, bias, n, mask, t, N, k, weight_stride, bias_stride, wide, BLOCK)
    _store(spikes, t * N + n, tl.where(V >= 0, 1.0, 0.0), mask)


@triton.jit
def band_potential_gradient(
    g, x, weights, bias, of_V, N, k, weight_stride, bias_stride, alpha, BLOCK: tl.constexpr
):
    """Gradient of V at one step per program."""
    real: tl.constexpr = of_V.dtype.element_ty
    n = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask, t = n < N, tl.program_id(1)
    V = _potential(x, weights, bias, n, mask, t, N, k, weight_stride, bias_stride, real, BLOCK)
    _store(of_V, t * N + n, _load(g, t * N + n, mask, real) * _surrogate(V, alpha), mask)


@triton.jit
def band_input_gradient(of_V, weights, gx, T, N, k, weight_stride, BLOCK: tl.constexpr):
    """Gradient of x at one step per program."""
    real: tl.constexpr = of_V.dtype.element_ty
    n = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask, t = n < N, tl.program_id(1)
    total = tl.zeros([BLOCK], real)
    for lag in range(tl.minimum(k, T - t)):
        weight = tl.load(weights + (t + lag) * weight_stride + lag).to(real)
        total += weight * tl.load(of_V + (t + lag) * N + n, mask=mask, other=0.0)
    _store(gx, t * N + n, total, mask)
