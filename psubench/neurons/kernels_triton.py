"""Triton kernels of `fused_triton`, which says what they do; equations in `neurons_triton`.

Tensors are contiguous [T, N]; a program has BLOCK neurons. The inputs of CHUNK steps are loaded before
the first of them is used: a step must wait for the one before it, but its memory access need not.
"""

# mypy: ignore-errors

from __future__ import annotations

import triton
import triton.language as tl

from psubench.neurons.neurons_triton import arctangent


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
def _shared(learned, t, T, LAYER: tl.constexpr, STEP: tl.constexpr, real: tl.constexpr):
    """The learned values of the layer and of step t."""
    values = ()
    for i in tl.static_range(LAYER):
        values = values + (tl.load(learned + i).to(real),)  # noqa: RUF005
    if STEP:
        values = values + (tl.load(learned + LAYER + t, mask=t < T, other=0.0).to(real),)  # noqa: RUF005
    return values


@triton.jit
def _own(learned, n, channels, inner, OWN: tl.constexpr, real: tl.constexpr):
    """The learned values of every neuron's channel."""
    values = ()
    for i in tl.static_range(OWN):
        values = values + (tl.load(learned + i * channels + n // inner % channels).to(real),)  # noqa: RUF005
    return values


@triton.jit
def _zeros(COUNT: tl.constexpr, BLOCK: tl.constexpr, real: tl.constexpr):
    values = ()
    for _ in tl.static_range(COUNT):
        values = values + (tl.zeros([BLOCK], real),)  # noqa: RUF005
    return values


@triton.jit
def _state(states, chunk, N, n, mask, STATES: tl.constexpr):
    values = ()
    for i in tl.static_range(STATES):
        at = (chunk * STATES + i) * N + n
        values = values + (tl.load(states + at, mask=mask, other=0.0),)  # noqa: RUF005
    return values


@triton.jit
def _added(sums, more, COUNT: tl.constexpr):
    values = ()
    for i in tl.static_range(COUNT):
        values = values + (sums[i] + more[i],)  # noqa: RUF005
    return values


@triton.jit
def _store_sums(totals, of_own, sums, n, N, mask, LAYER: tl.constexpr, OWN: tl.constexpr):
    """Totals of the layer's values in this program, and every neuron's own."""
    for i in tl.static_range(LAYER):
        tl.store(totals + i * tl.num_programs(0) + tl.program_id(0), tl.sum(tl.where(mask, sums[i], 0.0)))
    for i in tl.static_range(OWN):
        tl.store(of_own + i * N + n, sums[LAYER + i], mask=mask)


@triton.jit
def serial_forward(
    x, q, learned, out, states, T, N, channels, inner, step: tl.constexpr, numbers: tl.constexpr,
    apart: tl.constexpr, STATES: tl.constexpr, LAYER: tl.constexpr, STEP: tl.constexpr, OWN: tl.constexpr,
    train: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Outputs, and in training the state at the first step of each chunk."""
    real: tl.constexpr = states.dtype.element_ty
    n, N, mask = _neurons(N, BLOCK)
    own = _own(learned + LAYER + STEP * T, n, channels, inner, OWN, real)
    state = _zeros(STATES, BLOCK, real)
    for chunk in range((T + CHUNK - 1) // CHUNK):
        first = chunk * CHUNK
        if train:
            for i in tl.static_range(STATES):
                tl.store(states + (chunk * STATES + i) * N + n, state[i], mask=mask)
        xs = _rows(x, first, T, N, n, mask, real, CHUNK)
        qs = _rows(q, first, T, N, n, mask, real, CHUNK) if apart else xs
        for i in tl.static_range(CHUNK):
            shared = _shared(learned, first + i, T, LAYER, STEP, real)
            output, state, _ = step(xs[i], qs[i], shared, own, state, numbers)
            at = (first + i) * N + n
            _store(out, at, output, mask & (at < T * N))


@triton.jit
def serial_backward(
    g, x, q, learned, states, gx, gq, totals, of_own, T, N, channels, inner, step: tl.constexpr,
    back: tl.constexpr, numbers: tl.constexpr, apart: tl.constexpr, STATES: tl.constexpr,
    LAYER: tl.constexpr, STEP: tl.constexpr, OWN: tl.constexpr, CHUNK: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Gradients of x and q, of each program's shared values, and of every neuron's own.

    Steps past the last have zero cotangents and no carry, so they add nothing.
    """
    real: tl.constexpr = states.dtype.element_ty
    n, N, mask = _neurons(N, BLOCK)
    own = _own(learned + LAYER + STEP * T, n, channels, inner, OWN, real)
    carry = _zeros(STATES, BLOCK, real)
    sums = _zeros(LAYER + OWN, BLOCK, real)
    chunks = (T + CHUNK - 1) // CHUNK
    for reverse in range(chunks):
        chunk = chunks - 1 - reverse
        first = chunk * CHUNK
        state = _state(states, chunk, N, n, mask, STATES)
        xs = _rows(x, first, T, N, n, mask, real, CHUNK)
        gs = _rows(g, first, T, N, n, mask, real, CHUNK)
        qs = _rows(q, first, T, N, n, mask, real, CHUNK) if apart else xs
        kept = ()
        for i in tl.static_range(CHUNK):
            shared = _shared(learned, first + i, T, LAYER, STEP, real)
            _, state, keeps = step(xs[i], qs[i], shared, own, state, numbers)
            kept = kept + (keeps,)  # noqa: RUF005
        for i in tl.static_range(CHUNK - 1, -1, -1):
            shared = _shared(learned, first + i, T, LAYER, STEP, real)
            of_x, of_q, carry, added = back(gs[i], xs[i], kept[i], shared, own, carry, numbers)
            at = (first + i) * N + n
            inside = mask & (at < T * N)
            _store(gx, at, of_x, inside)
            if apart:
                _store(gq, at, of_q, inside)
            if STEP:
                where = (LAYER + first + i) * tl.num_programs(0) + tl.program_id(0)
                tl.store(totals + where, tl.sum(tl.where(mask, added[LAYER], 0.0)), mask=first + i < T)
            sums = _added(sums, added, LAYER + OWN)
    _store_sums(totals, of_own, sums, n, N, mask, LAYER, OWN)


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
    _store(of_V, t * N + n, _load(g, t * N + n, mask, real) * arctangent(V, alpha), mask)


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
