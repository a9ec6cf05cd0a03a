"""What spiking layers give in a forward pass, whatever the form in which they give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from psubench.models.network import Network
from psubench.neurons.foreign.layers import Way
from psubench.neurons.spikes import spikes_of


@contextmanager
def listening(
    spiking: Mapping[str, nn.Module], on_layer: Callable[[str, Tensor, Tensor], None]
) -> Iterator[None]:
    """Tells name, input and spikes of every spiking layer that is called inside, detached."""

    def hook(name: str) -> Callable[..., None]:
        def told(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            given = next(value for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
            on_layer(name, given.detach(), spikes_of(output).detach())

        return told

    hooks = [layer.register_forward_hook(hook(name), with_kwargs=True) for name, layer in spiking.items()]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()


def all_steps(network: Network, name: str, outputs: Sequence[Tensor], leading: tuple[int, int]) -> Tensor:
    """The spikes of one layer in one forward pass as [T, B, *].

    Args:
        outputs: of all of its calls; of a layer that is called several times with all steps, the last counts.
        leading: T and B.
    """
    T, B = leading
    match network.ways.get(name, Way.TIME_FIRST):
        case Way.STEPS:
            return torch.stack([*outputs[:T]])
        case Way.BATCH_FIRST:
            return outputs[-1].transpose(0, 1)
        case Way.MERGED:
            return outputs[-1].view(B, T, *outputs[-1].shape[1:]).transpose(0, 1)
    return outputs[-1]
