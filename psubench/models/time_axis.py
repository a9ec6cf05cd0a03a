"""The axis of time: is every spiking layer of a plug-in called with [T, B, ...], as neurons must be?

A neuron that gets the batch where it takes time for granted spikes, only wrongly, and nothing that looks at
one layer can tell. So the network is called once with T and B that differ, whatever those of the case are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from psubench.errors import WrongError
from psubench.models.made_layers import give_pairs, number
from psubench.models.network import Network
from psubench.neurons import OUTSIDE
from psubench.neurons.foreign.layers import Way, library, way

_RATE = 0.3
"""Of the spikes that the network is called with."""


@dataclass
class Calls:
    """How the spiking layers were called in one forward pass.

    Attributes:
        shapes: of the input of every call, by layer; None for a call without a tensor.
        strangers: calls of layers that neuron() has made and the network does not hold.
        failure: what ended the pass early.
    """

    shapes: dict[str, list[tuple[int, ...] | None]] = field(default_factory=dict)
    strangers: list[nn.Module] = field(default_factory=list)
    failure: Exception | None = None


def examined(network: Network, name: str, T: int) -> Network:
    """The network, once it was looked at; layers give pairs where it unpacks (spikes, state).

    Raises:
        WrongError: see `examine`.
    """
    failure = examine(network, name, T)
    layers = network.spiking.values()
    if failure is None or any("forward" in layer.__dict__ for layer in layers):
        return replace(network, failure=failure)
    give_pairs(layers, on=True)
    try:
        if examine(network, name, T) is None:
            return network
    except WrongError:
        pass
    give_pairs(layers, on=False)
    return replace(network, failure=failure)


def examine(
    network: Network, name: str, T: int, on_called: Callable[[], None] = lambda: None
) -> Exception | None:
    """Calls a network and looks at the calls of its spiking layers; fills `network.ways`.

    Weights, statistics and draws stay as they are.

    Args:
        name: of the plug-in, for errors.
        on_called: told when the network has been called, before anything is put back.

    Returns:
        Why the call failed, if it did: a neuron may be for another device, a network for another batch.

    Raises:
        WrongError: a layer is not called, or not with [T, B, ...]; says what it gets and how to write it.
    """
    B = 3 if T != 3 else 2
    calls = _calls(network, T, B, on_called)
    _judge(network, calls, T, B, name)
    return calls.failure


def _calls(network: Network, T: int, B: int, on_called: Callable[[], None]) -> Calls:
    """The calls in one forward pass over random spikes."""
    found = Calls({layer: [] for layer in network.spiking})
    known = {id(layer) for layer in network.spiking.values()}

    def stranger(layer: nn.Module, _: Any) -> None:
        if number(layer) is not None and id(layer) not in known:
            found.strangers.append(layer)

    with ExitStack() as stack:
        stack.enter_context(_undisturbed(network.module))
        for name, layer in network.spiking.items():
            hook = layer.register_forward_pre_hook(_shape_to(found.shapes[name]), with_kwargs=True)
            stack.callback(hook.remove)
        stack.callback(register_module_forward_pre_hook(stranger).remove)
        example = next(network.module.parameters(), torch.empty(0))
        x = (torch.rand(T, B, *network.input_shape, device=example.device) < _RATE).to(example.dtype)
        try:
            output = network.module(x)
            on_called()
            found.failure = _odd(output, T, B)
        except Exception as error:
            found.failure = error
    return found


def _odd(output: Any, T: int, B: int) -> Exception | None:
    """What is wrong with the shape of the logits, as where [T=2, B, ...] is unpacked like (spikes, state)."""
    if not isinstance(output, Tensor) or (output.dim() and output.shape[0] in (T, B)):
        return None
    return ValueError(f"its output has shape {list(output.shape)} for T={T}, B={B}, not [B, classes]")


def _shape_to(shapes: list[tuple[int, ...] | None]) -> Callable[[nn.Module, Any, Any], None]:
    def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        shapes.append(tuple(tensors[0].shape) if tensors else None)

    return hook


@contextmanager
def _undisturbed(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; buffers, modes, attributes and random numbers are put back."""
    parts = [part for part in module.modules() if not isinstance(part, torch.jit.ScriptModule)]
    modes = [(part, part.training) for part in parts]
    before = [(part, dict(vars(part)), dict(part._buffers)) for part in parts]
    values = [(buffer, buffer.clone()) for buffer in module.buffers() if not buffer.is_inference()]
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.random.fork_rng())
        if "torch._dynamo" in sys.modules:  # what compiles must not compile for this batch
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            module.eval()
            yield
        finally:
            for part, attributes, buffers in before:
                part._buffers.clear()
                part._buffers.update(buffers)
                for name in vars(part).keys() - attributes.keys():
                    del part.__dict__[name]
                part.__dict__.update(attributes)
            for part, mode in modes:
                part.training = mode
            for buffer, value in values:
                buffer.copy_(value)


def _judge(network: Network, calls: Calls, T: int, B: int, name: str) -> None:
    for layer, shapes in calls.shapes.items():
        found = _way(shapes, T, B) if shapes else None
        if shapes and not network.own:
            _check_made(layer, shapes, found, T, B)
        elif shapes:
            _check_own(layer, network.spiking[layer], shapes, found, T, B, name)
        if found is not None:
            network.ways[layer] = found
    if calls.failure is not None:
        return
    for layer, shapes in calls.shapes.items():
        if not shapes:
            told = layer if not layer.startswith(OUTSIDE) else f"neuron {layer.removeprefix(OUTSIDE)}"
            raise WrongError(
                f"the network does not call its spiking layer {told}: call it in forward, or do not make it"
            )
    if calls.strangers:
        numbers = ", ".join(str(n) for n in sorted({number(layer) or 0 for layer in calls.strangers}))
        raise WrongError(
            f"the network calls copies of neuron {numbers} that it does not hold as modules:"
            " assign them to self, or keep them in a torch.nn.ModuleList"
        )


def _way(shapes: list[tuple[int, ...] | None], T: int, B: int) -> Way | None:
    """How a layer was called, the same way in all calls; None if it is none of the known ways."""
    if any(shape is None or not shape for shape in shapes):
        return None
    known = [shape for shape in shapes if shape is not None]
    if all(len(shape) > 1 and shape[0] == T and shape[1] % B == 0 for shape in known):
        return Way.TIME_FIRST
    if all(shape[0] == B for shape in known) and len(known) % T == 0:
        return Way.STEPS
    if all(shape[:2] == (B, T) for shape in known):
        return Way.BATCH_FIRST
    if all(shape[0] == T * B for shape in known):
        return Way.MERGED
    return Way.STEPS if all(shape[0] == B for shape in known) else None


_HOW = {
    Way.STEPS: "one step at a time; collect the input of all steps with torch.stack and call it once",
    Way.BATCH_FIRST: "with the batch first; give it x.transpose(0, 1), and transpose its output back",
    Way.MERGED: "with steps and samples merged; give it x.unflatten(0, (T, B))",
    None: "which is neither; time comes first",
}


def _check_made(layer: str, shapes: list[tuple[int, ...] | None], found: Way | None, T: int, B: int) -> None:
    """Raises WrongError unless a layer that neuron() has made gets all steps at once, time first."""
    if found is Way.TIME_FIRST:
        return
    raise WrongError(
        f"spiking layer {layer} is not called with [T={T}, B={B}, ...]:"
        f" it gets {_told(shapes)}, {_HOW[found]}"
    )


def _told(shapes: list[tuple[int, ...] | None]) -> str:
    """`[3, 16] in each of 8 calls`."""
    first = "no tensor" if shapes[0] is None else str(list(shapes[0]))
    if len(shapes) == 1:
        return first
    return f"{first} in each of {len(shapes)} calls" if len(set(shapes)) == 1 else f"{first} and others"


def _check_own(
    name: str,
    layer: nn.Module,
    shapes: list[tuple[int, ...] | None],
    found: Way | None,
    T: int,
    B: int,
    plugin: str,
) -> None:
    """Raises WrongError if a layer of a known library is called otherwise than its library means it."""
    due = way(layer)
    if due is None or due is found or (due is Way.TIME_FIRST and found is Way.STEPS and _one_step(shapes)):
        return
    what = f"{type(layer).__name__} of {library(layer)}"
    whole = plugin.partition("[")[0].removesuffix("@step")
    remedy = {
        Way.STEPS: f"loop over time in forward, or write {whole}@step",
        Way.TIME_FIRST: "give it all steps at once, or put it in its mode for single steps",
        Way.BATCH_FIRST: "give it x.transpose(0, 1)",
        Way.MERGED: "give it x.flatten(0, 1) with the batch first",
    }[due]
    raise WrongError(
        f"spiking layer {name}, {what}, takes {due.value}, and gets {_told(shapes)} for T={T}, B={B};"
        f" {remedy}"
    )


def _one_step(shapes: list[tuple[int, ...] | None]) -> bool:
    """Whether every call gave a sequence of one step, [1, B, ...]."""
    return all(shape is not None and len(shape) > 1 and shape[0] == 1 for shape in shapes)
