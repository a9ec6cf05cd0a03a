"""Triton kernels of `fused_triton`, which says what they do; equations as in fused_lif.h.

Tensors are contiguous [T, N]; a program has BLOCK neurons. The inputs of CHUNK steps are loaded before
the first of them is used: a step must wait for the one before it, but its memory access need not.
"""

# mypy: ignore-errors

from __future__ import annotations

import triton
import triton.language as tl

SOFT, HARD = tl.constexpr(1), tl.constexpr(2)
PI = tl.constexpr(3.141592653589793)


@triton.jit
def _neurons(N, BLOCK: tl.constexpr):
    """This program's neurons, N as an integer for offsets over 2^31, and a mask of those that exist."""
    n = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    N = tl.zeros((), tl.int64) + N
    return n, N, n < N


@triton.jit
def _load(where, offsets, mask, real: tl.constexpr):
    return tl.load(where + offsets, mask=mask, other=0.0).to(real)


@triton.jit
def _rows(where, first, T, N, n, mask, real: tl.constexpr, CHUNK: tl.constexpr):
    """CHUNK rows of `where` from row `first` on, as a tuple; rows past the last are zeros."""
    rows = ()
    for i in tl.static_range(CHUNK):
        at = (first + i) * N + n
        rows = rows + (_load(where, at, mask & (at < T * N), real),)  # noqa: RUF005
    return rows


@triton.jit
def _store(where, offsets, value, mask):
    tl.store(where + offsets, value.to(where.dtype.element_ty), mask=mask)


@triton.jit
def _surrogate(z, alpha: tl.constexpr):
    return 1 / (2 / alpha + PI * PI * alpha / 2 * z * z)


@triton.jit
def _logistic(u):
    return 1 / (1 + tl.exp(-u))


@triton.jit
def _factors(rate, number: tl.constexpr, learned: tl.constexpr, decays: tl.constexpr, real: tl.constexpr):
    """The factors of v and of x."""
    share = tl.load(rate).to(real) if learned else tl.full((), number, real)
    return 1 - share, share if decays else tl.full((), 1.0, real)


@triton.jit
def _reset(h, threshold: tl.constexpr, reset: tl.constexpr):
    v = h
    if reset == SOFT:
        v = tl.where(h >= threshold, h - threshold, h)
    if reset == HARD:
        v = tl.where(h >= threshold, 0.0, h).to(h.dtype)
    return v


@triton.jit
def _gradient_of_h(
    of_spike,
    h,
    carry,
    threshold: tl.constexpr,
    alpha: tl.constexpr,
    reset: tl.constexpr,
    detach: tl.constexpr,
):
    """From the gradients of the spike and, in `carry`, of v after the step."""
    through = carry
    if reset == SOFT and not detach:
        of_spike -= threshold * carry
    if reset == HARD:
        if not detach:
            of_spike -= h * carry
        through = tl.where(h >= threshold, 0.0, carry).to(carry.dtype)
    return of_spike * _surrogate(h - threshold, alpha) + through


@triton.jit
def serial_forward(
    x, rate, spikes, states, T, N, number: tl.constexpr, learned: tl.constexpr, decays: tl.constexpr,
    threshold: tl.constexpr, reset: tl.constexpr, train: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Spikes, and in training the potential at the first step of each chunk."""
    real: tl.constexpr = states.dtype.element_ty
    n, N, mask = _neurons(N, BLOCK)
    keep, gain = _factors(rate, number, learned, decays, real)
    v = tl.zeros([BLOCK], real)
    for chunk in range((T + CHUNK - 1) // CHUNK):
        first = chunk * CHUNK
        if train:
            tl.store(states + chunk * N + n, v, mask=mask)
        xs = _rows(x, first, T, N, n, mask, real, CHUNK)
        for i in tl.static_range(CHUNK):
            h = keep * v + gain * xs[i]
            at = (first + i) * N + n
            _store(spikes, at, tl.where(h >= threshold, 1.0, 0.0), mask & (at < T * N))
            v = _reset(h, threshold, reset)


@triton.jit
def serial_backward(
    g, x, rate, states, gx, sums, T, N, number: tl.constexpr, learned: tl.constexpr, decays: tl.constexpr,
    threshold: tl.constexpr, alpha: tl.constexpr, reset: tl.constexpr, detach: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Gradients of x, and per neuron the sum whose total is the gradient of the rate.

    Steps past the last have zero cotangents and no carry, so they add nothing.
    """
    real: tl.constexpr = states.dtype.element_ty
    n, N, mask = _neurons(N, BLOCK)
    keep, gain = _factors(rate, number, learned, decays, real)
    carry = tl.zeros([BLOCK], real)
    total = tl.zeros([BLOCK], real)
    chunks = (T + CHUNK - 1) // CHUNK
    for back in range(chunks):
        chunk = chunks - 1 - back
        first = chunk * CHUNK
        v = tl.load(states + chunk * N + n, mask=mask, other=0.0)
        xs = _rows(x, first, T, N, n, mask, real, CHUNK)
        gs = _rows(g, first, T, N, n, mask, real, CHUNK)
        vs = ()
        for i in tl.static_range(CHUNK):
            vs = vs + (v,)  # noqa: RUF005
            v = _reset(keep * v + gain * xs[i], threshold, reset)
        for i in tl.static_range(CHUNK - 1, -1, -1):
            h = keep * vs[i] + gain * xs[i]
            of_h = _gradient_of_h(gs[i], h, carry, threshold, alpha, reset, detach)
            at = (first + i) * N + n
            _store(gx, at, gain * of_h, mask & (at < T * N))
            if learned:
                total += of_h * ((xs[i] if decays else 0.0) - vs[i])
            carry = keep * of_h
    if learned:
        tl.store(sums + n, total, mask=mask)


@triton.jit
def psu_forward(
    x, q, spikes, states, T, N, leak: tl.constexpr, gain: tl.constexpr, keep: tl.constexpr,
    scale: tl.constexpr, threshold: tl.constexpr, apart: tl.constexpr, train: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Spikes, and in training u and r at the first step of each chunk."""
    real: tl.constexpr = states.dtype.element_ty
    n, N, mask = _neurons(N, BLOCK)
    u = tl.zeros([BLOCK], real)
    r = tl.zeros([BLOCK], real)
    for chunk in range((T + CHUNK - 1) // CHUNK):
        first = chunk * CHUNK
        if train:
            tl.store(states + chunk * 2 * N + n, u, mask=mask)
            tl.store(states + (chunk * 2 + 1) * N + n, r, mask=mask)
        xs = _rows(x, first, T, N, n, mask, real, CHUNK)
        qs = _rows(q, first, T, N, n, mask, real, CHUNK) if apart else xs
        for i in tl.static_range(CHUNK):
            u = leak * u + gain * xs[i]
            at = (first + i) * N + n
            _store(spikes, at, tl.where(u - r >= threshold, 1.0, 0.0), mask & (at < T * N))
            r = keep * (r + scale * _logistic(qs[i] if apart else u))


@triton.jit
def psu_backward(  # noqa: PLR0915
    g, x, q, states, gx, gq, T, N, leak: tl.constexpr, gain: tl.constexpr, keep: tl.constexpr,
    scale: tl.constexpr, threshold: tl.constexpr, alpha: tl.constexpr, apart: tl.constexpr,
    CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Gradients of x, and of q if separate; steps past the last add nothing, as in `serial_backward`."""
    real: tl.constexpr = states.dtype.element_ty
    n, N, mask = _neurons(N, BLOCK)
    carry_u = tl.zeros([BLOCK], real)
    carry_r = tl.zeros([BLOCK], real)
    chunks = (T + CHUNK - 1) // CHUNK
    for back in range(chunks):
        chunk = chunks - 1 - back
        first = chunk * CHUNK
        u = tl.load(states + chunk * 2 * N + n, mask=mask, other=0.0)
        r = tl.load(states + (chunk * 2 + 1) * N + n, mask=mask, other=0.0)
        xs = _rows(x, first, T, N, n, mask, real, CHUNK)
        gs = _rows(g, first, T, N, n, mask, real, CHUNK)
        qs = _rows(q, first, T, N, n, mask, real, CHUNK) if apart else xs
        Vs, sigmas = (), ()
        for i in tl.static_range(CHUNK):
            u = leak * u + gain * xs[i]
            sigma = _logistic(qs[i] if apart else u)
            Vs = Vs + (u - r,)  # noqa: RUF005
            sigmas = sigmas + (sigma,)  # noqa: RUF005
            r = keep * (r + scale * sigma)
        for i in tl.static_range(CHUNK - 1, -1, -1):
            at = (first + i) * N + n
            inside = mask & (at < T * N)
            of_V = gs[i] * _surrogate(Vs[i] - threshold, alpha)
            of_q = keep * scale * carry_r * sigmas[i] * (1 - sigmas[i])
            of_u = of_V + leak * carry_u
            if apart:
                _store(gq, at, of_q, inside)
            else:
                of_u += of_q
            _store(gx, at, gain * of_u, inside)
            carry_u = of_u
            carry_r = keep * carry_r - of_V


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
    n, N, mask = _neurons(N, BLOCK)
    t = tl.program_id(1)
    V = _potential(x, weights, bias, n, mask, t, N, k, weight_stride, bias_stride, wide, BLOCK)
    _store(spikes, t * N + n, tl.where(V >= 0, 1.0, 0.0), mask)


@triton.jit
def band_potential_gradient(
    g, x, weights, bias, of_V, N, k, weight_stride, bias_stride, alpha: tl.constexpr, BLOCK: tl.constexpr
):
    """Gradient of V at one step per program."""
    real: tl.constexpr = of_V.dtype.element_ty
    n, N, mask = _neurons(N, BLOCK)
    t = tl.program_id(1)
    V = _potential(x, weights, bias, n, mask, t, N, k, weight_stride, bias_stride, real, BLOCK)
    _store(of_V, t * N + n, _load(g, t * N + n, mask, real) * _surrogate(V, alpha), mask)


@triton.jit
def band_input_gradient(of_V, weights, gx, T, N, k, weight_stride, BLOCK: tl.constexpr):
    """Gradient of x at one step per program."""
    real: tl.constexpr = of_V.dtype.element_ty
    n, N, mask = _neurons(N, BLOCK)
    t = tl.program_id(1)
    total = tl.zeros([BLOCK], real)
    for lag in range(tl.minimum(k, T - t)):
        weight = tl.load(weights + (t + lag) * weight_stride + lag).to(real)
        total += weight * tl.load(of_V + (t + lag) * N + n, mask=mask, other=0.0)
    _store(gx, t * N + n, total, mask)
