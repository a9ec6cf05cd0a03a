"""Networks from outside: how a model plug-in is called. Importing this needs no torch."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from psubench import plugins
from psubench.errors import PsubenchError
from psubench.models.names import ModelRef
from psubench.neurons.construct import takes_T

if TYPE_CHECKING:
    from torch import nn

CONTRACT = (
    "a model plug-in is called with neuron= (makes one spiking layer) and T=, or brings its own neurons and"
    " takes no neuron; it gives a torch.nn.Module [T,B,*] -> [B,classes]"
)


def step_shape(ref: ModelRef) -> tuple[int, ...] | None:
    """The plug-in's attribute `input_shape`; None where one that takes no neuron has none.

    Raises:
        PsubenchError: it is not a shape, or it is missing where it must be.
    """
    shape = getattr(plugins.load(ref.kind), "input_shape", None)
    if shape is None and takes_neuron(ref) is not True:
        return None
    if not isinstance(shape, tuple | list) or not all(type(n) is int and n > 0 for n in shape):
        raise PsubenchError(
            f'model plug-in "{ref.name}" has input_shape {shape!r}',
            f"it is the shape of one step of one sample, such as (2, 32, 32); {CONTRACT}",
        )
    return tuple(shape)


def takes_neuron(ref: ModelRef) -> bool | None:
    """Whether a plug-in is to be called with neuron=; None where its signature does not tell.

    Raises:
        PsubenchError: it cannot be imported, or cannot be called.
    """
    from torch import nn

    make = plugins.load(ref.kind)
    if isinstance(make, nn.Module):
        return False
    if not callable(make):
        raise PsubenchError(f'model plug-in "{ref.name}" is a {type(make).__name__}', CONTRACT)
    try:
        parameters = inspect.signature(make).parameters.values()
    except ValueError:  # some builtins have none
        return None
    if any(parameter.name == "neuron" for parameter in parameters):
        return True
    return None if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters) else False


def made_with(ref: ModelRef, factory: Callable[[], nn.Module], T: int) -> nn.Module:
    """The module of a plug-in that takes neurons."""
    make = plugins.load(ref.kind)
    given = {"T": T} if callable(make) and takes_T(make) else {}
    return _called(ref, make, {"neuron": factory, **given}, T)


def made_alone(ref: ModelRef, T: int) -> nn.Module:
    """The module of a plug-in with neurons of its own; of an instance a copy."""
    from torch import nn

    make = plugins.load(ref.kind)
    if isinstance(make, nn.Module) and ref.parameters:
        raise PsubenchError(
            f'model plug-in "{ref.name}" is built already and takes no parameters',
            "leave the parentheses out",
        )
    if isinstance(make, nn.Module):
        return copy.deepcopy(make)
    return _called(ref, make, {"T": T} if "T" in _names(make) else {}, T)


def _names(make: object) -> set[str]:
    """The parameters that a signature names; **kwargs may hand on what no neuron understands."""
    try:
        return set(inspect.signature(make).parameters) if callable(make) else set()
    except ValueError:  # some builtins have none
        return set()


def _called(ref: ModelRef, make: object, given: dict[str, Any], T: int) -> nn.Module:
    from torch import nn

    what = f'model plug-in "{ref.name}"'
    arguments = {**given, **dict(ref.parameters)}
    module = plugins.call(make, arguments, what, f"T={T}", CONTRACT)
    if not isinstance(module, nn.Module):
        raise PsubenchError(f"{what} gives a {type(module).__name__}", CONTRACT)
    return module
