"""The serial neurons of fused_lif.h and fused_stateful.h for Triton: one step, and that step backwards.

A step takes the inputs x and q, the learned values that are `shared` and those that are a neuron's `own`, the
`state` before it, and `n`: the reset, whether values are learned, and the numbers of the neuron. It gives the
output, the state after it, and what `back` needs. `back` takes the gradients `g` of the output and `carry` of
the state after the step; it gives those of x and q, of the state before, and of the learned values.
"""

# mypy: ignore-errors

from __future__ import annotations

import triton
import triton.language as tl

SOFT, HARD = tl.constexpr(1), tl.constexpr(2)
PI = tl.constexpr(3.141592653589793)


@triton.jit
def _logistic(u):
    return 1 / (1 + tl.exp(-u))


@triton.jit
def _one(condition, like):
    """1 where the condition holds, else 0, in the dtype of `like`."""
    return tl.where(condition, 1.0, 0.0).to(like.dtype)


@triton.jit
def arctangent(z, alpha: tl.constexpr):
    """Derivative of the arctangent surrogate."""
    return 1 / (2 / alpha + PI * PI * alpha / 2 * z * z)


@triton.jit
def _box(z, alpha: tl.constexpr):
    return _one(tl.abs(z) < 0.5 / alpha, z) * alpha


@triton.jit
def _triangle(z, alpha: tl.constexpr):
    return alpha * tl.maximum(1 - alpha * tl.abs(z), 0.0)


@triton.jit
def _slope(z, alpha: tl.constexpr):
    p = _logistic(alpha * z)
    return alpha * p * (1 - p)


@triton.jit
def _after(h, fired, threshold: tl.constexpr, reset: tl.constexpr):
    v = h
    if reset == SOFT:
        v = tl.where(fired, h - threshold, h)
    if reset == HARD:
        v = tl.where(fired, 0.0, h).to(h.dtype)
    return v


@triton.jit
def _through_reset(h, fired, carry, threshold: tl.constexpr, detach: tl.constexpr, reset: tl.constexpr):
    """The gradients of the spike and of h through v, from that of v."""
    of_spike, of_h = carry * 0, carry
    if reset == SOFT and detach == 0:
        of_spike = -threshold * carry
    if reset == HARD:
        of_h = tl.where(fired, 0.0, carry).to(carry.dtype)
        if detach == 0:
            of_spike = -h * carry
    return of_spike, of_h


@triton.jit
def _rate(shared, n: tl.constexpr):
    return shared[0] if n[1] else n[6]


@triton.jit
def lif_step(x, q, shared, own, state, n: tl.constexpr):
    """n: reset, learned, decay_input, threshold, alpha, detach, rate."""
    rate = _rate(shared, n)
    h = (1 - rate) * state[0] + (rate * x if n[2] != 0 else x)
    fired = h >= n[3]
    return _one(fired, h), (_after(h, fired, n[3], n[0]),), (h, state[0])


@triton.jit
def lif_back(g, x, kept, shared, own, carry, n: tl.constexpr):
    """As `lif_step`."""
    h, v = kept[0], kept[1]
    rate = _rate(shared, n)
    of_spike, through = _through_reset(h, h >= n[3], carry[0], n[3], n[5], n[0])
    of_h = (g + of_spike) * arctangent(h - n[3], n[4]) + through
    of_x = rate * of_h if n[2] != 0 else of_h
    return of_x, of_x, ((1 - rate) * of_h,), (of_h * ((x if n[2] != 0 else 0.0) - v),)


@triton.jit
def psu_step(x, q, shared, own, state, n: tl.constexpr):
    """n: whether q is apart, learned, leak, gain, keep, scale, threshold, alpha."""
    u = n[2] * state[0] + n[3] * x
    V = u - state[1]
    sigma = _logistic(q if n[0] else u)
    return _one(n[6] <= V, V), (u, n[4] * (state[1] + n[5] * sigma)), (V, sigma)


@triton.jit
def psu_back(g, x, kept, shared, own, carry, n: tl.constexpr):
    """As `psu_step`."""
    of_V = g * arctangent(kept[0] - n[6], n[7])
    of_q = n[4] * n[5] * carry[1] * kept[1] * (1 - kept[1])
    of_u = of_V + n[2] * carry[0] + (0.0 if n[0] else of_q)
    return n[3] * of_u, of_q, (of_u, n[4] * carry[1] - of_V), (of_u,)


@triton.jit
def cuba_step(x, q, shared, own, state, n: tl.constexpr):
    """n: reset, learned, threshold, alpha, detach, c, d."""
    c, d = (shared[0], shared[1]) if n[1] else (n[5], n[6])
    current = c * state[1] + x
    h = d * state[0] + current
    fired = h >= n[2]
    return _one(fired, h), (_after(h, fired, n[2], n[0]), current), (h, state[0], state[1])


@triton.jit
def cuba_back(g, x, kept, shared, own, carry, n: tl.constexpr):
    """As `cuba_step`."""
    c, d = (shared[0], shared[1]) if n[1] else (n[5], n[6])
    h = kept[0]
    of_spike, through = _through_reset(h, h >= n[2], carry[0], n[2], n[4], n[0])
    of_h = (g + of_spike) * _box(h - n[2], n[3]) + through
    of_current = carry[1] + of_h
    return of_current, g, (d * of_h, c * of_current), (of_current * kept[2], of_h * kept[1])


@triton.jit
def clif_step(x, q, shared, own, state, n: tl.constexpr):
    """n: reset, learned, threshold, alpha, rate."""
    h = (1 - n[4]) * state[0] + x
    s = _one(h >= n[2], h)
    decay = _logistic(n[4] * h)
    m = state[1] * decay + s
    depth = _logistic(m)
    return s, (h - s * (n[2] + depth), m), (h, state[1], decay, depth)


@triton.jit
def clif_back(g, x, kept, shared, own, carry, n: tl.constexpr):
    """As `clif_step`."""
    h, before, decay, depth = kept[0], kept[1], kept[2], kept[3]
    of_m = carry[1] - carry[0] * _one(h >= n[2], h) * depth * (1 - depth)
    of_spike = g - carry[0] * (n[2] + depth) + of_m
    of_h = of_spike * _box(h - n[2], n[3]) + carry[0] + of_m * before * decay * (1 - decay) * n[4]
    return of_h, g, ((1 - n[4]) * of_h, of_m * decay), (of_h,)


@triton.jit
def glif_step(x, q, shared, own, state, n: tl.constexpr):
    """n: reset, learned, alpha; shared: keep, leak, erased, sub, threshold, gain[t]."""
    v, before = state[0], state[1]
    h = shared[0] * v + shared[5] * x - shared[1] - before * (shared[3] + shared[2] * v)
    s = _one(h >= shared[4], h)
    return s, (h, s), (h, v, before)


@triton.jit
def glif_back(g, x, kept, shared, own, carry, n: tl.constexpr):
    """As `glif_step`."""
    v, before = kept[1], kept[2]
    by_threshold = (g + carry[1]) * _box(kept[0] - shared[4], n[2])
    of_h = carry[0] + by_threshold
    of_reset = of_h * before
    carry = (of_h * (shared[0] - before * shared[2]), -of_h * (shared[3] + shared[2] * v))
    return shared[5] * of_h, g, carry, (of_h * v, -of_h, -of_reset * v, -of_reset, -by_threshold, of_h * x)


@triton.jit
def adlif_step(x, q, shared, own, state, n: tl.constexpr):
    """n: reset, learned, threshold, alpha; own: al, gain, bw, a, b."""
    u, s, w = state[0], state[1], state[2]
    adapted = own[2] * w + own[3] * u + own[4] * s
    potential = own[0] * (u - s) + own[1] * (x - adapted)
    fired = _one(potential > n[2], potential)
    return fired, (potential, fired, adapted), (u, s, w)


@triton.jit
def adlif_back(g, x, kept, shared, own, carry, n: tl.constexpr):
    """As `adlif_step`."""
    al, gain, bw, a, b = own[0], own[1], own[2], own[3], own[4]
    u, s, w = kept[0], kept[1], kept[2]
    drive = x - (bw * w + a * u + b * s)
    potential = al * (u - s) + gain * drive
    of_u = carry[0] + (g + carry[1]) * _box(potential - n[2], n[3])
    of_w = carry[2] - gain * of_u
    carry = (al * of_u + a * of_w, b * of_w - al * of_u, bw * of_w)
    return gain * of_u, g, carry, (of_u * (u - s), of_u * drive, of_w * w, of_w * u, of_w * s)


@triton.jit
def tc_step(x, q, shared, own, state, n: tl.constexpr):
    """n: reset, learned, threshold, alpha, gamma; shared: c, d."""
    dendrite = state[0] - shared[0] * state[1] + x
    soma = state[1] + shared[1] * dendrite
    s = _one(soma >= n[2], soma)
    return s, (dendrite - n[4] * s, soma - n[2] * s), (dendrite, soma, state[1])


@triton.jit
def tc_back(g, x, kept, shared, own, carry, n: tl.constexpr):
    """As `tc_step`."""
    of_spike = g - n[4] * carry[0] - n[2] * carry[1]
    of_soma = carry[1] + of_spike * _triangle(kept[1] - n[2], n[3])
    of_dendrite = carry[0] + shared[1] * of_soma
    sums = (-of_dendrite * kept[2], of_soma * kept[0])
    return of_dendrite, g, (of_dendrite, of_soma - shared[0] * of_dendrite), sums


@triton.jit
def ilif_step(x, q, shared, own, state, n: tl.constexpr):
    """n: reset, learned, threshold, rate, D, detach."""
    h = (1 - n[3]) * state[0] + x
    # Added to a number whose last bit is 1, z is rounded to a whole number, halves to the even one.
    large: tl.constexpr = 6755399441055744.0 if h.dtype == tl.float64 else 12582912.0
    z = tl.minimum(tl.maximum(h / n[2], 0.0), n[4] * 1.0)
    count = (z + large) - large
    return count, (h - n[2] * count,), (h,)


@triton.jit
def ilif_back(g, x, kept, shared, own, carry, n: tl.constexpr):
    """As `ilif_step`."""
    z = kept[0] / n[2]
    of_count = g if n[5] != 0 else g - n[2] * carry[0]
    of_h = tl.where((z >= 0) & (z <= n[4]), of_count / n[2], 0.0).to(z.dtype) + carry[0]
    return of_h, g, ((1 - n[3]) * of_h,), (of_h,)


@triton.jit
def ternary_step(x, q, shared, own, state, n: tl.constexpr):
    """n: reset, learned, threshold, alpha, detach, rate."""
    h = (1 - n[5]) * state[0] + x
    up, down = _one(h >= n[2], h), _one(-h >= n[2], h)
    v = h - n[2] * (up - down) if n[0] == SOFT else _after(h, up + down > 0, n[2], n[0])
    return up - down, (v,), (h,)


@triton.jit
def ternary_back(g, x, kept, shared, own, carry, n: tl.constexpr):
    """As `ternary_step`."""
    h = kept[0]
    up, down = _slope(h - n[2], n[3]), _slope(-h - n[2], n[3])
    of_taken, through = _through_reset(h, (h >= n[2]) | (-h >= n[2]), carry[0], n[2], n[4], n[0])
    of_h = g * (up + down) + of_taken * (up + down if n[0] == SOFT else up - down) + through
    return of_h, g, ((1 - n[5]) * of_h,), (of_h,)
