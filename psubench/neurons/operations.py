"""The operations of a neuron: THE formulas, per neuron over T steps. Imports no torch.

`ideal` uses the structure of the equation: decaying sums as recurrences, triangles and bands without their
zeros, a reset only where a spike was. `executed` is what an implementation makes the machine do in inference,
including the zeros of its matrices. Factors such as 1/τ that belong to the input count with the weights in
front of the neuron; bias and threshold of a comparison are one number. What is computed once per layer (a
learned matrix masked, 1/τ = σ(w)) and random draws are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from psubench import plugins
from psubench.errors import PsubenchError, nearest
from psubench.neurons import operations_second as second
from psubench.neurons.construct import load, takes_T
from psubench.neurons.formulas import Formula, Operations, band, triangle
from psubench.neurons.names import NeuronRef
from psubench.neurons.table import BAND, ROWS, TABLE


@dataclass(frozen=True)
class Dynamics:
    """What one neuron computes over T steps.

    Attributes:
        ideal: with the structure of its equation used.
        executed: by its implementation; None if unknown.
        serial: whether it is updated once per step from its own state alone, as neuromorphic chips do,
            whose energy is published per update.
    """

    ideal: Operations
    executed: Operations | None
    serial: bool


def dynamics(ref: NeuronRef, T: int) -> Dynamics | None:
    """Operations of a neuron over T steps; None for a plug-in that does not declare them.

    Raises:
        PsubenchError: a plug-in's `operations` does not return what `declared` describes.
    """
    if ref.is_plugin:
        return declared(ref, T)
    parameters = {**TABLE[ref.kind].parameters, **dict(ref.parameters)}
    # Compiled code computes the same in fewer passes.
    implementation = TABLE[ref.kind].default if ref.implementation == "compile" else ref.implementation
    execute = EXECUTED.get((ref.kind, implementation))
    executed = None if execute is None else execute(T, parameters)
    return Dynamics(IDEAL[ref.kind](T, parameters), executed, ref.kind in _SERIAL)


def declared(ref: NeuronRef, T: int) -> Dynamics | None:
    """The operations that a plug-in declares by its attribute `operations`; None without one.

    It is called like the neuron, with T= and the parameters in parentheses, and returns a dict with some of
    mac, ac, ac_per_spike, cmp, nonlin (per neuron over T steps, 0 if left out). If the code executes
    different numbers of them, it adds a dict of the same form under "executed".
    """
    how = f"it returns a dict of integers from 0 on, of {', '.join(_NAMES)}, and optionally one as executed"
    what = f'plug-in "{ref.kind}": operations'
    make = getattr(load(ref), "operations", None)
    if make is None:
        return None
    try:
        given = make(**({"T": T} if takes_T(make) else {}), **dict(ref.parameters))
    except Exception as error:
        raise PsubenchError(f"{what} with T={T} raises {plugins.one_line(error)}", how) from error
    if not isinstance(given, Mapping):
        raise PsubenchError(f"{what} gives a {type(given).__name__}", how)
    ideal = _checked({key: value for key, value in given.items() if key != "executed"}, what, how)
    executed = given.get("executed")
    if executed is not None and not isinstance(executed, Mapping):
        raise PsubenchError(f"{what} gives executed={executed!r}", how)
    return Dynamics(ideal, ideal if executed is None else _checked(executed, what, how), serial=False)


def _checked(given: Mapping[Any, Any], what: str, how: str) -> Operations:
    for key, value in given.items():
        if key not in _NAMES:
            raise PsubenchError(f'{what} gives "{key}"', nearest(str(key), [*_NAMES, "executed"]))
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise PsubenchError(f"{what} gives {key}={value!r}", how)
    return Operations(**given)


_NAMES = [field.name for field in fields(Operations)]


def _charged(T: int, p: Mapping[str, Any]) -> Operations:
    """v - Vth where a spike was (soft), or 0 instead (hard), which takes no arithmetic."""
    return Operations(mac=T, ac_per_spike=int(p["reset"] == "soft"), cmp=T)


def _integrated(T: int, p: Mapping[str, Any]) -> Operations:
    return replace(_charged(T, p), mac=0, ac=T)


def _masked(T: int, p: Mapping[str, Any]) -> Operations:
    # Below lambda = 1 the matrix is full.
    return Operations(mac=band(T, p["k"]) if p["lam"] == 1 else T * T, cmp=T)


def _psu(T: int, _: Mapping[str, Any]) -> Operations:
    """u and r by one recurrence each, V = u - r."""
    return Operations(mac=2 * T, ac=T, cmp=T, nonlin=T)


def _ipsu(T: int, p: Mapping[str, Any]) -> Operations:
    """U by a triangle and its bias, the reset by a recurrence over an estimate, V = U - r."""
    estimate = "input" if p["released"] else p["estimate"]
    again = T if estimate == "membrane" else 0
    nonlin = T if estimate == "sigmoid" else 0
    return Operations(mac=triangle(T) + T + again, ac=2 * T, cmp=T, nonlin=nonlin)


def _rpsu(T: int, _: Mapping[str, Any]) -> Operations:
    """The estimate by a triangle and its bias; A x and the reset by a recurrence each, V = u - r."""
    return Operations(mac=triangle(T) + 2 * T, ac=2 * T, cmp=T, nonlin=T)


_SERIAL = {"if", "lif", "plif", "lif-noreset", *second.SERIAL}
IDEAL: Mapping[str, Formula] = MappingProxyType(
    {
        "if": _integrated,
        "lif": _charged,
        "plif": _charged,
        "lif-noreset": lambda T, _: Operations(mac=T, cmp=T),
        "psn": lambda T, _: Operations(mac=T * T, cmp=T),
        "masked-psn": _masked,
        "sliding-psn": lambda T, p: Operations(mac=band(T, p["k"]), cmp=T),
        "spsn": lambda T, _: Operations(mac=T, cmp=T, nonlin=T),
        "psu": _psu,
        "ipsu": _ipsu,
        "rpsu": _rpsu,
        **second.IDEAL,
    }
)


def _loop(T: int, p: Mapping[str, Any]) -> Operations:
    """Charging, and a reset that runs over all neurons, spike or not."""
    # v + (x - v)/τ needs a difference before it multiplies; x + β v does not.
    return Operations(mac=2 * T, ac=T if p["decay_input"] else 0, cmp=T)


def _ipsu_matrices(T: int, p: Mapping[str, Any]) -> Operations:
    again = 3 if _ipsu(T, p).mac > triangle(T) + T else 2  # the membrane estimate has its own product
    return Operations(mac=again * T * T, ac=2 * T, cmp=T, nonlin=_ipsu(T, p).nonlin)


def _psu_scan(T: int, _: Mapping[str, Any]) -> Operations:
    """The input scaled, u, r from its second step on, V = u - scale r; the last σ is not needed."""
    return Operations(mac=T + (T - 1) + max(T - 2, 0) + (T - 1), cmp=T, nonlin=T - 1)


def _fused(T: int, p: Mapping[str, Any]) -> Operations:
    """keep v + gain x; a soft reset takes Vth or 0 off at every step."""
    return Operations(mac=2 * T, ac=T if p.get("reset") == "soft" else 0, cmp=T)


def _masked_fused(T: int, p: Mapping[str, Any]) -> Operations:
    if p["lam"] < 1 or p["k"] > BAND:
        return Operations(mac=T * T, ac=T, cmp=T)
    return Operations(mac=band(T, p["k"]), cmp=T)  # the sum starts at the bias


def _blocks(T: int) -> int:
    """Products of a triangle by blocks of rows, each as long as its last row."""
    return sum(min(ROWS, T - first) * min(first + ROWS, T) for first in range(0, T, ROWS))


def _ipsu_fused(T: int, p: Mapping[str, Any]) -> Operations:
    """A linear estimate is part of the learned matrix, which is made once per layer."""
    if _ipsu(T, p).nonlin == 0:
        return Operations(mac=_blocks(T), ac=T, cmp=T)
    return Operations(mac=_blocks(T) + 4 * T, ac=2 * T, cmp=T, nonlin=T)


EXECUTED: Mapping[tuple[str, str], Formula] = MappingProxyType(
    {
        ("if", "loop"): lambda T, _: Operations(mac=T, ac=T, cmp=T),
        ("lif", "loop"): _loop,
        ("plif", "loop"): _loop,
        ("lif-noreset", "matmul"): lambda T, _: Operations(mac=T * T, cmp=T),
        ("psn", "matmul"): lambda T, _: Operations(mac=T * T, ac=T, cmp=T),
        ("masked-psn", "matmul"): lambda T, _: Operations(mac=T * T, ac=T, cmp=T),
        ("sliding-psn", "matmul"): lambda T, _: Operations(mac=T * T, ac=T, cmp=T),
        ("spsn", "matmul"): lambda T, _: Operations(mac=T * T, cmp=T, nonlin=T),
        ("psu", "matmul"): lambda T, _: Operations(mac=2 * T * T, ac=T, cmp=T, nonlin=T),
        ("psu", "scan"): _psu_scan,
        ("ipsu", "matmul"): _ipsu_matrices,
        **{(kind, "fused"): _fused for kind in ("if", "lif", "plif", "lif-noreset")},
        ("psn", "fused"): lambda T, _: Operations(mac=T * T, ac=T, cmp=T),
        ("masked-psn", "fused"): _masked_fused,
        ("sliding-psn", "fused"): lambda T, p: Operations(mac=band(T, p["k"]), cmp=T),
        ("psu", "fused"): lambda T, _: Operations(mac=4 * T, ac=T, cmp=T, nonlin=T),
        ("ipsu", "fused"): _ipsu_fused,
        ("rpsu", "fused"): lambda T, _: Operations(mac=_blocks(T) + 4 * T, ac=2 * T, cmp=T, nonlin=T),
        ("rpsu", "matmul"): lambda T, _: Operations(mac=3 * T * T, ac=2 * T, cmp=T, nonlin=T),
        **second.EXECUTED,
    }
)
