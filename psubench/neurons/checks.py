"""Checks of parameters, shapes and inputs that the equation of a neuron does not allow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from psubench.errors import NeuronError, nearest
from psubench.neurons.spec import CHOICES

if TYPE_CHECKING:
    from torch import Tensor

NO_REFERENCE = "no reference has confirmed its spikes"
"""Why the spikes of a plug-in without a reference are not verified."""


_WHOLE = {
    "k": (1, "the order k counts input steps"),
    "D": (1, "D is the largest count"),
    "levels": (2, "levels counts the values that it can give"),
    "K": (0, "K counts the passes after the first"),
    "dilation": (1, "the dilation counts steps between two inputs"),
}
_SWITCHES = {"decay_input", "detach_reset", "released", "learn_tau", "learn_decay", "hard"}
_SHARES = {
    "lam": "lambda blends the full and the banded matrix: give 0 to 1",
    "c": "c is the share of the current that remains per step: give 0 to 1",
    "d": "d is the share of the potential that remains per step: give 0 to 1",
}
_INSIDE = {"decay", "conduct"}  # logistic functions give them: neither 0 nor 1


def check_parameters(**given: object) -> None:
    """Raises NeuronError for the first value that its parameter cannot take."""
    for name, value in given.items():
        if name in CHOICES:
            _check_choice(name, value)
        elif name in _WHOLE:
            least, what = _WHOLE[name]
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise NeuronError(f"{name} = {value}", f"{what}: give an integer of at least {least}")
        elif name in _SWITCHES:
            if not isinstance(value, bool):
                raise NeuronError(f"{name} = {value}", f"write {name}=true or {name}=false")
        else:
            _check_number(name, value)


def _check_choice(name: str, value: object) -> None:
    if value not in CHOICES[name]:
        raise NeuronError(f'{name} = "{value}"', nearest(str(value), CHOICES[name]))


def _check_number(name: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise NeuronError(f"{name} = {value}", f"give a finite number such as {name}=2")
    if name == "tau" and value <= 1:
        raise NeuronError(
            f"tau = {value:g}", "beta = 1 - 1/tau must lie in (0, 1): give tau > 1 (without leak: neuron if)"
        )
    if name in _SHARES and not 0 <= value <= 1:
        raise NeuronError(f"{name} = {value:g}", _SHARES[name])
    if name in _INSIDE and not 0 < value < 1:
        raise NeuronError(f"{name} = {value:g}", f"give a number between 0 and 1, such as {name}=0.5")
    if name == "gamma" and value < 0:
        raise NeuronError(f"gamma = {value:g}", "a spike subtracts gamma: give gamma >= 0")
    if name in {"threshold", "alpha", "scale"} and value <= 0:
        raise NeuronError(f"{name} = {value:g}", f"give {name} > 0")


def check_order(k: int, T: int) -> None:
    """Raises NeuronError if the order k of a band exceeds the T steps that it lies in."""
    if k > T:
        raise NeuronError(f"k = {k} with T = {T}", f"there are only {T} steps: give k <= {T}")


def check_shape(x: Tensor, T: int | None = None) -> None:
    """Raises NeuronError unless x is floating, [T, B, *features], and has T steps if T is given.

    Reads shape and dtype only: it runs in every forward pass, timed ones too.
    """
    if x.ndim < 2 or x.shape[0] == 0:
        raise NeuronError(
            f"input has shape {list(x.shape)}", "give [T, B, *features], time first, with at least one step"
        )
    if not x.dtype.is_floating_point:
        raise NeuronError(
            f"input has dtype {x.dtype}", "give float64, float32 or bfloat16, as x.float() does"
        )
    if T is not None and x.shape[0] != T:
        raise NeuronError(
            f"input has {x.shape[0]} time steps where the neuron was built for T = {T}",
            f"give {T} steps or build a new neuron",
        )


def check_input(x: Tensor) -> None:
    """Raises NeuronError if x holds NaN or infinity.

    Neurons do not call this: it costs a pass over x and makes the host wait for the device. Callers
    run it once per input, outside the timed window.
    """
    finite = x.isfinite()
    if not bool(finite.all()):
        bad = (~finite).nonzero()
        first = tuple(int(i) for i in bad[0])
        raise NeuronError(
            f"{len(bad)} of {x.numel()} inputs are not finite, first {float(x[first])} at {list(first)}",
            "spikes of NaN or infinity have no meaning: fix the data",
        )
