"""How much a neuron that approximates another one differs from it, layer by layer on the same input."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from psubench import neurons
from psubench.neurons import NeuronRef


def mismatch(ref: NeuronRef, T: int, layers: Iterable[nn.Module], run: Callable[[], object]) -> float | None:
    """Share of the outputs of all layers in which the two neurons differ; None if it approximates none.

    Args:
        layers: the spiking layers.
        run: one forward pass.
    """
    original = neurons.approximated(ref)
    if original is None:
        return None
    other, wrong, seen = neurons.build(original, T), 0, 0

    def compare(_: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal wrong, seen
        wrong += int((other(given[0]) != output).sum())
        seen += output.numel()

    hooks = [layer.register_forward_hook(compare) for layer in layers]
    try:
        with torch.no_grad():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return wrong / seen if seen else None
