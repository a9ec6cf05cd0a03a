"""From a name to a network whose spiking layers are known. Importing this needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from psubench.errors import PsubenchError
from psubench.models import plugin
from psubench.models.names import TABLE, ModelRef
from psubench.neurons.foreign.layers import Way
from psubench.neurons.outputs import spikes_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Network:
    """A network and what must be known about it.

    Attributes:
        module: [T, B, *input_shape] -> logits [B, classes].
        spiking: its spiking layers by their names in `module.named_modules()`, in the order in which
            they were made, copies after them; those that the module does not hold begin with
            `neurons.OUTSIDE`.
        input_shape: of one step of one sample.
        own: whether it has brought its neurons along.
        made: how many layers it has asked for.
        ways: how each layer is called, as `psubench.models.time_axis` has found it.
        failure: why the call in which that was to be found has failed.
    """

    module: nn.Module
    spiking: dict[str, nn.Module]
    input_shape: tuple[int, ...]
    own: bool = False
    made: int = 0
    ways: dict[str, Way] = field(default_factory=dict)
    failure: Exception | None = None


def shape_for(ref: ModelRef, step_shape: tuple[int, ...] | None, data: str) -> tuple[int, ...]:
    """Shape of one step of one sample as the network will see it.

    Args:
        step_shape: of the data set; None for noise, which comes in any shape.
        data: its name, for errors.

    Raises:
        PsubenchError: network and data do not fit.
    """
    wanted = plugin.step_shape(ref) if ref.is_plugin else TABLE[ref.kind].input_shape
    if wanted is None and step_shape is None:
        raise PsubenchError(
            f'model "{ref.name}" takes its shape from the data, and {data} has none',
            "give a data set with --data, such as spoken-digits"
            + (", or the network an attribute input_shape" if ref.is_plugin else ""),
        )
    if wanted is None or step_shape is None or wanted == step_shape:
        return cast("tuple[int, ...]", wanted or step_shape)
    own = f"its own is {TABLE[ref.kind].data}; " if not ref.is_plugin else ""
    raise PsubenchError(
        f'model "{ref.name}" takes steps of shape {list(wanted)}, {data} has {list(step_shape)}',
        f"{own}--model mlp takes any shape",
    )


def build(
    ref: ModelRef,
    neuron: Callable[[], nn.Module] | None,
    T: int,
    input_shape: tuple[int, ...],
    classes: int,
) -> Network:
    """The network that the ref names, freshly initialised, in layer mode.

    Args:
        neuron: called once per spiking layer; None where the network brings its own.
        input_shape: as `shape_for` gives it.
        classes: outputs of a built-in network; a plug-in has its own.

    Raises:
        PsubenchError: a plug-in cannot be built, uses none of the neurons that it asked for, or has no
            spiking layer that is known.
    """
    from psubench.models import made_layers

    if neuron is None:
        return _with_own_neurons(ref, T, input_shape)
    _refuse_marks(ref)
    made = made_layers.Factory(neuron)
    module = _made(ref, made, T, input_shape, classes)
    for layer in made.layers if not ref.is_plugin else ():  # a plug-in takes apart what its neurons give
        layer.register_forward_hook(_spikes_alone)
    spiking = made_layers.found(module, made.layers)
    if not spiking:
        what = "never calls neuron()" if not made.layers else "holds none of the layers that neuron() made"
        raise PsubenchError(
            f'model plug-in "{ref.name}" {what}', f"assign each layer to self; {plugin.CONTRACT}"
        )
    _shape(module, (T, 1, *input_shape))
    network = Network(module, spiking, input_shape, made=len(made.layers))
    if ref.is_plugin:
        from psubench.models import time_axis

        return time_axis.examined(network, ref.name, T)
    return network


def _with_own_neurons(ref: ModelRef, T: int, input_shape: tuple[int, ...]) -> Network:
    from psubench.models.own_neurons import with_own_neurons

    if not ref.is_plugin:
        raise PsubenchError(f'model "{ref.name}" has no neurons of its own', "name neurons with --neurons")
    return with_own_neurons(ref, T, input_shape)


def _spikes_alone(_module: nn.Module, _given: Any, output: Any) -> Any:
    """What a built-in network gets from a neuron that gives its state too."""
    return spikes_of(output)


def _made(
    ref: ModelRef, made: Callable[[], nn.Module], T: int, input_shape: tuple[int, ...], classes: int
) -> nn.Module:
    if ref.is_plugin:
        return plugin.made_with(ref, made, T)
    spec = TABLE[ref.kind]
    where, _, function = spec.module.partition(":")
    parameters = {**spec.parameters, **dict(ref.parameters)}
    make = getattr(import_module(where), function)
    return cast("nn.Module", make(neuron=made, input_shape=input_shape, classes=classes, **parameters))


def _refuse_marks(ref: ModelRef) -> None:
    """Raises PsubenchError where a network that takes neurons is named like one with neurons of its own."""
    if ref.spiking:
        raise PsubenchError(
            f'model plug-in "{ref.name}" is called with neuron=, so its spiking layers are known',
            "leave --spiking out",
        )
    if ref.steps:
        raise PsubenchError(
            f'model plug-in "{ref.name}" is called with neuron=, and neurons take all steps at once',
            "leave @step out, and call each spiking layer with [T, B, ...]",
        )


def _shape(module: nn.Module, shape: tuple[int, ...]) -> None:
    """Lets parameters that wait for the number of their channels get their shapes, by a pass over zeros."""
    import torch
    from torch.nn.parameter import is_lazy

    if any(is_lazy(parameter) for parameter in module.parameters()):
        training = module.training
        with torch.no_grad():
            module.eval()(torch.zeros(shape))
        module.train(training)
