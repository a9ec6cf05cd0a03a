"""Operations of the neurons in `table_second`, by the rules of `operations`. Imports no torch.

A multiplication alone counts as a multiply-accumulate. Operations that happen only at a spike count per
spike, and a count of c is c spikes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from psubench.neurons.formulas import Formula, Operations
from psubench.neurons.spec import LONG

SERIAL = frozenset({"cuba-lif", "clif", "glif", "adlif", "tc-lif", "ilif", "ternary-lif"})
"""Those that are updated step by step from their own state alone."""


def dilated(T: int, k: int, dilation: int) -> int:
    """Taps of a causal convolution that fall on one of T steps."""
    return sum(max(T - tap * dilation, 0) for tap in range(k))


def transform(T: int) -> int:
    """Multiplications of one FFT of 2T real points, by radix 2.

    It is one of T complex points, T/2 log2 T butterflies, and T recombinations; four for a complex product,
    with as many additions.
    """
    return 4 * (T * math.ceil(math.log2(T)) // 2 + T) if T > 1 else 4


def _cuba(T: int, p: Mapping[str, Any]) -> Operations:
    """c I + x; d v + I."""
    return Operations(mac=2 * T, ac_per_spike=int(p["reset"] == "soft"), cmp=T)


def _clif(T: int, _: Mapping[str, Any]) -> Operations:
    """β v + x, h/τ, m σ; where a spike was m + 1 and, with σ(m), two additions of the reset."""
    return Operations(mac=3 * T, ac_per_spike=3, cmp=T, nonlin=T, nonlin_per_spike=1)


def _glif(T: int, _: Mapping[str, Any]) -> Operations:
    """The gates make a factor of the potential, one of the input, a constant; others with a spike."""
    return Operations(mac=2 * T, ac=T, ac_per_spike=1, cmp=T)


def _adlif(T: int, _: Mapping[str, Any]) -> Operations:
    """w = bw w + a' u; u = al u + x - w with (1 - al) in a' and in the weights; a spike moves both."""
    return Operations(mac=3 * T, ac=T, ac_per_spike=2, cmp=T)


def _tc(T: int, _: Mapping[str, Any]) -> Operations:
    """v1 - σ v2, + x; v2 + σ v1; a spike resets both."""
    return Operations(mac=2 * T, ac=T, ac_per_spike=2, cmp=T)


def _ilif(T: int, _: Mapping[str, Any]) -> Operations:
    """β v + x with 1/Vth in the weights; clipped, rounded; every event takes 1 off."""
    return Operations(mac=T, ac_per_spike=1, cmp=2 * T, nonlin=T)


def _ternary(T: int, p: Mapping[str, Any]) -> Operations:
    """β v + x; two thresholds."""
    return Operations(mac=T, ac_per_spike=int(p["reset"] == "soft"), cmp=2 * T)


def _fpt(T: int, p: Mapping[str, Any]) -> Operations:
    """A x by a recurrence, per pass the reset by another; each σ(α z) has a product, each H is compared."""
    K, hard = p["K"], p["hard"]
    if hard:
        return Operations(mac=(1 + K) * T, ac=2 * K * T, cmp=(1 + K) * T)
    return Operations(mac=(1 + 2 * K) * T, ac=K * T, cmp=T, nonlin=K * T)


def _prf(T: int, _: Mapping[str, Any]) -> Operations:
    """A complex product per step, to whose real part x is added; dt belongs to the weights."""
    return Operations(mac=4 * T, cmp=T)


def _pmsn(T: int, _: Mapping[str, Any]) -> Operations:
    """Per compartment a complex product plus x, and the real part of another; D x; c, its whole part."""
    return Operations(mac=(4 * (4 + 2) + 1) * T, ac=2 * T, cmp=2 * T, nonlin=T)


IDEAL: Mapping[str, Formula] = MappingProxyType(
    {
        "cuba-lif": _cuba,
        "clif": _clif,
        "glif": _glif,
        "adlif": _adlif,
        "tc-lif": _tc,
        "ilif": _ilif,
        "ternary-lif": _ternary,
        "fpt": _fpt,
        "prf": _prf,
        "pmsn": _pmsn,
        # A shift and an addition instead of a product; the batch norm is part of the threshold.
        "mulfree-psn": lambda T, p: Operations(ac=dilated(T, p["k"], p["dilation"]), cmp=T),
        "relu": lambda T, _: Operations(cmp=T),
        "quant-relu": lambda T, _: Operations(cmp=2 * T, nonlin=T),  # clipped, rounded; 1/Vth in the weights
    }
)


def _ternary_loop(T: int, p: Mapping[str, Any]) -> Operations:
    again = 0 if p["reset"] == "soft" else T  # abs(s) as the sum of both sides
    return Operations(mac=2 * T, ac=3 * T + again, cmp=2 * T)


def _cuba_fused(T: int, p: Mapping[str, Any]) -> Operations:
    """c I + x; d v + I; a soft reset takes Vth or 0 off at every step."""
    return Operations(mac=2 * T, ac=T if p["reset"] == "soft" else 0, cmp=T)


def _ternary_fused(T: int, p: Mapping[str, Any]) -> Operations:
    """β v + x; both sides; Vth times their difference, or their sum."""
    soft = p["reset"] == "soft"
    return Operations(mac=2 * T if soft else T, ac=T if soft else 2 * T, cmp=2 * T)


def _fpt_matmul(T: int, p: Mapping[str, Any]) -> Operations:
    K, hard = p["K"], p["hard"]
    scaled = 0 if p["decay_input"] else T
    slopes = 0 if hard else K * T
    compared = (1 + K) * T if hard else T
    mac = (1 + K) * T * T + slopes + scaled
    return Operations(mac=mac, ac=(1 + 2 * K) * T, cmp=compared, nonlin=slopes)


def _fft(T: int, *, mac: int, ac: int, cmp: int, nonlin: int = 0) -> Operations:
    """Both FFTs, with a product of T + 1 complex numbers between them, and the rest."""
    moved = 2 * transform(T) + 4 * (T + 1)
    return Operations(mac=moved + mac, ac=moved + ac, cmp=cmp, nonlin=nonlin)


def _decoupled(T: int, p: Mapping[str, Any]) -> Operations:
    """A x, then d and its difference from it, twice: in the loop and with the gradient."""
    product = Operations(mac=T * T) if T < LONG else _fft(T, mac=0, ac=0, cmp=0)
    scaled = 0 if p["decay_input"] else T
    return replace(product, mac=product.mac + 2 * T + scaled, ac=product.ac + 2 * T, cmp=2 * T)


EXECUTED: Mapping[tuple[str, str], Formula] = MappingProxyType(
    {
        ("cuba-lif", "loop"): lambda T, _: Operations(mac=3 * T, ac=T, cmp=T),
        ("clif", "loop"): lambda T, _: Operations(mac=4 * T, ac=2 * T, cmp=T, nonlin=2 * T),
        ("glif", "loop"): lambda T, _: Operations(mac=4 * T, ac=2 * T, cmp=T),
        ("adlif", "loop"): lambda T, _: Operations(mac=5 * T, ac=3 * T, cmp=T),
        ("tc-lif", "loop"): lambda T, _: Operations(mac=4 * T, ac=2 * T, cmp=T),
        ("ilif", "loop"): lambda T, _: Operations(mac=3 * T, cmp=2 * T, nonlin=T),
        ("ternary-lif", "loop"): _ternary_loop,
        ("cuba-lif", "fused"): _cuba_fused,
        ("clif", "fused"): lambda T, _: Operations(mac=4 * T, ac=T, cmp=T, nonlin=2 * T),
        ("glif", "fused"): lambda T, _: Operations(mac=4 * T, ac=T, cmp=T),
        ("adlif", "fused"): lambda T, _: Operations(mac=5 * T, ac=2 * T, cmp=T),
        ("tc-lif", "fused"): lambda T, _: Operations(mac=4 * T, ac=T, cmp=T),
        ("ilif", "fused"): lambda T, _: Operations(mac=3 * T, cmp=2 * T, nonlin=T),
        ("ternary-lif", "fused"): _ternary_fused,
        ("fpt", "matmul"): _fpt_matmul,
        ("prf", "fft"): lambda T, _: _fft(T, mac=0, ac=0, cmp=T),
        ("pmsn", "fft"): lambda T, _: _fft(T, mac=4 * T, ac=3 * T, cmp=3 * T, nonlin=2 * T),
        ("mulfree-psn", "conv"): lambda T, p: Operations(mac=p["k"] * T + T, cmp=T),
        ("relu", "once"): lambda T, _: Operations(cmp=T),
        ("quant-relu", "once"): lambda T, _: Operations(mac=T, cmp=2 * T, nonlin=T),
        ("lif", "decoupled"): _decoupled,
    }
)
