"""From a neuron as it was asked for to its module, and to its slow float64 reference."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from psubench import plugins
from psubench.errors import PsubenchError
from psubench.neurons.foreign import table as foreign
from psubench.neurons.names import OWN, PLUGIN, NeuronRef
from psubench.neurons.spec import Default
from psubench.neurons.table import TABLE
from psubench.plugins import Value

if TYPE_CHECKING:
    from torch import nn

_HOW = "a plug-in is called with T= if it takes it, and its parameters, and gives a torch.nn.Module"


def build(ref: NeuronRef, T: int, features: tuple[int, ...] | None = None) -> nn.Module:
    """The module [T, B, *features] -> [T, B, *features] that the ref names, freshly initialised.

    Built-in neurons with a fixed T, and every plug-in, are built for T steps. Those with parameters per
    channel draw them now if the features are given, and otherwise at their first call.

    Errors: NeuronError for
    parameters that do not fit, PsubenchError for a plug-in that cannot be built.
    """
    if ref.kind == OWN:
        raise PsubenchError(
            f'"{OWN}" names the neurons that a network brings along',
            "name a neuron, or a model plug-in whose signature takes no neuron",
        )
    if ref.is_plugin:
        made = _build_plugin(ref, load(ref), T, ref.label)
        if ref.implementation == PLUGIN:
            return made
        from psubench.neurons.single_step import Stepwise

        return Stepwise(made)
    module = _construct(ref, TABLE[ref.kind].implementations[ref.implementation], T)
    if features is not None and TABLE[ref.kind].per_channel:
        import torch

        cast("Any", module).initialize_parameters(torch.zeros(T, 1, *features))
    return module


def build_reference(ref: NeuronRef, T: int) -> nn.Module | None:
    """The slow float64 reference, with parameters of the same names and shapes; None if there is none."""
    if not ref.is_plugin:
        return _construct(ref, TABLE[ref.kind].reference, T)
    make = getattr(load(ref), "reference", None)
    return None if make is None else _build_plugin(ref, make, T, f"reference of {ref.label}")


def load(ref: NeuronRef) -> object:
    """The class or function that a plug-in or a library's neuron names; None for a network's own."""
    return None if ref.kind == OWN else plugins.load(foreign.adapter(ref.kind))


def causal(ref: NeuronRef, *, training: bool = False) -> bool | None:
    """Whether the neuron claims that no spike depends on later input; None if a plug-in does not say.

    Args:
        training: whether it is asked of a module in training mode.
    """
    if ref.is_plugin:
        return cast("bool | None", getattr(load(ref), "causal", None))
    spec = TABLE[ref.kind]
    # Below lambda = 1 the mask of the masked PSN lets the future in.
    masked = dict(ref.parameters).get("lam", 1.0) == 1.0
    return spec.causal and masked and (spec.causal_in_training or not training)


def _construct(ref: NeuronRef, where: str, T: int) -> nn.Module:
    spec = TABLE[ref.kind]
    module, _, attribute = where.partition(":")
    parameters: dict[str, Default | Value] = {**spec.parameters, **dict(ref.parameters)}
    fixed = {"T": T} if spec.fixed_T else {}
    return cast("nn.Module", getattr(import_module(module), attribute)(**fixed, **parameters))


def _build_plugin(ref: NeuronRef, make: object, T: int, label: str) -> nn.Module:
    from torch import nn

    make, arguments = _callable(ref, make, T, label)
    try:
        module = _made(make, arguments)
    except Exception as error:
        raise plugins.raised(f'plug-in "{ref.kind}": {label}', f"T={T}", error) from error
    if not isinstance(module, nn.Module):
        raise PsubenchError(f'plug-in "{ref.kind}": {label} gives a {type(module).__name__}', _HOW)
    return module


def _made(make: Callable[..., object], arguments: dict[str, Any]) -> object:
    """What a plug-in makes; without T where only its `**kwargs`, as those of nn.Module, seem to take it."""
    try:
        return make(**arguments)
    except TypeError as error:
        if "T" not in arguments or "unexpected keyword argument 'T'" not in str(error):
            raise
    return make(**{name: value for name, value in arguments.items() if name != "T"})


def check_plugin(ref: NeuronRef) -> None:
    """Raises PsubenchError for a plug-in that cannot be imported or called; it is not called."""
    for label, make in (
        (ref.label, load(ref)),
        (f"reference of {ref.label}", getattr(load(ref), "reference", None)),
    ):
        if make is not None:
            _callable(ref, make, 1, label)


def _callable(
    ref: NeuronRef, make: object, T: int, label: str
) -> tuple[Callable[..., object], dict[str, Any]]:
    """What builds a plug-in, and with which arguments."""
    if not callable(make):
        raise PsubenchError(f'plug-in "{ref.kind}": {label} is a {type(make).__name__}', _HOW)
    arguments: dict[str, Any] = {**({"T": T} if takes_T(make) else {}), **dict(ref.parameters)}
    _check_call(make, arguments, f'plug-in "{ref.kind}": {label}', _HOW)
    return make, arguments


def takes_T(make: Callable[..., object]) -> bool:
    """Whether a plug-in is to be called with T=, as far as its signature tells."""
    try:
        parameters = inspect.signature(make).parameters.values()
    except ValueError:  # some builtins have none
        return True
    return any(p.name == "T" or p.kind is p.VAR_KEYWORD for p in parameters)


def _check_call(make: Callable[..., object], arguments: dict[str, Any], what: str, how: str) -> None:
    try:
        signature = inspect.signature(make)
    except ValueError:  # some builtins have none: the call itself will tell
        return
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise PsubenchError(f"{what} cannot be called: {plugins.one_line(error)}", how) from None
