"""The T x T matrices of the unrolled LIF neuron, h = A x - Vth B s, built once and kept.

They depend on T and tau only, so they are not part of a module's state: no checkpoint contains them, and
neurons of equal T and tau share them. Each dtype and each device has its own. torch.compile takes matrices
that eager calls have cached as inputs of its graph, and builds missing ones inside the graph.
"""

from __future__ import annotations

from operator import index

import torch
from torch import Tensor

_Key = tuple[int, float, float, int, torch.dtype, torch.device]
_KEPT: dict[_Key, Tensor] = {}


def decay(tau: float, released: bool = False) -> float:
    """The share of a potential that remains per step: β = 1 - 1/τ; 1/τ in released code."""
    return 1 / tau if released else 1 - 1 / tau


def leak(T: int, tau: float, released: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A [T, T]: A[t,i] = decay^(t-i) / τ for i <= t, else 0."""
    return _kept((index(T), decay(tau, released), 1 / tau, 0, dtype, device))


def reset(T: int, tau: float, released: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    """B [T, T] for a threshold of 1: B[t,i] = decay^(t-i) for i < t, else 0.

    Strictly lower: a spike resets only later steps.
    """
    return _kept((index(T), decay(tau, released), 1.0, -1, dtype, device))


def lags(T: int, device: torch.device) -> Tensor:
    """[T, T]: t - i for i <= t, else 0."""
    steps = torch.arange(T, device=device)
    return (steps[:, None] - steps).clamp(min=0)


def built() -> int:
    """How many matrices have been built since the program began."""
    return len(_KEPT)


def _kept(key: _Key) -> Tensor:
    matrix = _KEPT.get(key)
    if matrix is not None:
        return matrix
    if torch.compiler.is_compiling():
        return _triangle(*key)
    # A matrix first needed under inference_mode must serve training later, so it is built outside of it.
    with torch.inference_mode(False), torch.no_grad():
        _KEPT[key] = _triangle(*key)
    return _KEPT[key]


def _triangle(
    T: int, keep: float, gain: float, diagonal: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    return (gain * keep ** lags(T, device).double()).tril(diagonal).to(dtype)
