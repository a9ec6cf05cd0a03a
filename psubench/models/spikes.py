"""What spiking layers give in a forward pass, whatever the form in which they give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from psubench.errors import WrongError
from psubench.models.network import Network
from psubench.neurons.foreign.layers import Way
from psubench.neurons.outputs import Seen, spikes_of


@contextmanager
def listening(
    spiking: Mapping[str, nn.Module],
    on_layer: Callable[[str, Tensor, Tensor], None],
    seen: Seen | None = None,
) -> Iterator[None]:
    """Passes on the name, input and spikes of every spiking layer that is called inside, detached.

    Args:
        seen: collects what the layers give.
    """

    def hook(name: str) -> Callable[..., None]:
        def told(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            given = next(value for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
            if not isinstance(spikes := spikes_of(output), Tensor):
                raise WrongError(f"layer {name} returns {type(spikes).__name__} where a tensor is due")
            if seen is not None:
                seen.add(output)
            on_layer(name, given.detach(), spikes.detach())

        return told

    hooks = [
        # Before a network takes the spikes alone.
        layer.register_forward_hook(hook(name), with_kwargs=True, prepend=True)
        for name, layer in spiking.items()
    ]
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
