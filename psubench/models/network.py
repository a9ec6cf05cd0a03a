"""From a name to a network whose spiking layers are known. Importing this needs no torch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from psubench import plugins
from psubench.errors import PsubenchError
from psubench.models.names import TABLE, ModelRef
from psubench.neurons.outputs import spikes_of

if TYPE_CHECKING:
    from torch import nn

OUTSIDE = "outside of the module: neuron "
"""What the name of a spiking layer begins with that its network calls but does not hold as a module."""
_CONTRACT = (
    "a model plug-in is called with neuron= (makes one spiking layer) and T=, gives a torch.nn.Module"
    " [T,B,*] -> [B,classes], and has an attribute input_shape"
)


@dataclass(frozen=True)
class Network:
    """A network and what must be known about it.

    Attributes:
        module: [T, B, *input_shape] -> logits [B, classes].
        spiking: its spiking layers by their names in `module.named_modules()`, in the order in which
            they were made; those that the module does not hold begin with `OUTSIDE`.
        input_shape: of one step of one sample.
    """

    module: nn.Module
    spiking: dict[str, nn.Module]
    input_shape: tuple[int, ...]


def shape_for(ref: ModelRef, step_shape: tuple[int, ...] | None, data: str) -> tuple[int, ...]:
    """Shape of one step of one sample as the network will see it.

    Args:
        step_shape: of the data set; None for noise, which comes in any shape.
        data: its name, for errors.

    Raises:
        PsubenchError: network and data do not fit.
    """
    wanted = _plugin_shape(ref) if ref.is_plugin else TABLE[ref.kind].input_shape
    if wanted is None and step_shape is None:
        raise PsubenchError(
            f'model "{ref.name}" takes its shape from the data, and {data} has none',
            "give a data set with --data, such as spoken-digits",
        )
    if wanted is None or step_shape is None or wanted == step_shape:
        return cast("tuple[int, ...]", wanted or step_shape)
    own = f"its own is {TABLE[ref.kind].data}; " if not ref.is_plugin else ""
    raise PsubenchError(
        f'model "{ref.name}" takes steps of shape {list(wanted)}, {data} has {list(step_shape)}',
        f"{own}--model mlp takes any shape",
    )


def _plugin_shape(ref: ModelRef) -> tuple[int, ...]:
    shape = getattr(plugins.load(ref.kind), "input_shape", None)
    if not isinstance(shape, tuple | list) or not all(isinstance(n, int) and n > 0 for n in shape):
        raise PsubenchError(f'model plug-in "{ref.name}" has input_shape {shape!r}', _CONTRACT)
    return tuple(shape)


def build(
    ref: ModelRef, neuron: Callable[[], nn.Module], T: int, input_shape: tuple[int, ...], classes: int
) -> Network:
    """The network that the ref names, freshly initialised, in layer mode.

    Args:
        neuron: called once per spiking layer.
        input_shape: as `shape_for` gives it.
        classes: outputs of a built-in network; a plug-in has its own.

    Raises:
        PsubenchError: a plug-in cannot be built, or uses none of the neurons that it asked for.
    """
    made: list[nn.Module] = []

    def factory() -> nn.Module:
        made.append(neuron())
        if not ref.is_plugin:  # a plug-in takes apart by itself what its neurons give
            made[-1].register_forward_hook(_spikes_alone)
        return made[-1]

    if ref.is_plugin:
        module = _from_plugin(ref, factory, T)
    else:
        spec = TABLE[ref.kind]
        where, _, function = spec.module.partition(":")
        parameters = {**spec.parameters, **dict(ref.parameters)}
        make = getattr(import_module(where), function)
        module = make(neuron=factory, input_shape=input_shape, classes=classes, **parameters)
    names = {id(layer): name for name, layer in module.named_modules()}
    held = [layer for layer in made if id(layer) in names]
    # A layer kept in a plain list is called all the same, and its spikes are spikes.
    spiking = {names.get(id(layer), f"{OUTSIDE}{at}"): layer for at, layer in enumerate(made)}
    if not held:
        raise PsubenchError(f'model plug-in "{ref.name}" holds no spiking layer', _CONTRACT)
    _shape(module, (T, 1, *input_shape))
    return Network(module, spiking, input_shape)


def _spikes_alone(_module: nn.Module, _given: Any, output: Any) -> Any:
    """What a built-in network gets from a neuron that gives its state too."""
    return spikes_of(output)


def _shape(module: nn.Module, shape: tuple[int, ...]) -> None:
    """Lets parameters that wait for the number of their channels get their shapes, by a pass over zeros."""
    import torch
    from torch.nn.parameter import is_lazy

    if any(is_lazy(parameter) for parameter in module.parameters()):
        training = module.training
        with torch.no_grad():
            module.eval()(torch.zeros(shape))
        module.train(training)


def _from_plugin(ref: ModelRef, factory: Callable[[], nn.Module], T: int) -> nn.Module:
    from torch import nn

    what = f'model plug-in "{ref.name}"'
    make = plugins.load(ref.kind)
    arguments: dict[str, Any] = {"neuron": factory, "T": T, **dict(ref.parameters)}
    if not callable(make):
        raise PsubenchError(f"{what} is a {type(make).__name__}", _CONTRACT)
    try:
        inspect.signature(make).bind(**arguments)
    except TypeError as error:
        raise PsubenchError(f"{what} cannot be called: {plugins.one_line(error)}", _CONTRACT) from None
    try:
        module = make(**arguments)
    except PsubenchError:
        raise
    except Exception as error:
        raise PsubenchError(
            f"{what} with T={T} raises {plugins.one_line(error)}", "fix it or its parameters"
        ) from error
    if not isinstance(module, nn.Module):
        raise PsubenchError(f"{what} gives a {type(module).__name__}", _CONTRACT)
    return module
