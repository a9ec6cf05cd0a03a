"""Layers in a row, run in one of two modes.

Layer by layer: each synaptic layer runs once over the T·B samples of all steps, each spiking layer over
[T, B, *]. Step by step: the whole network runs once per step, and spiking layers keep their membrane
potential from one step to the next; only serial neurons can. Where normalisation uses the statistics of
its batch, in training, the two differ: one batch is all steps, the other a single one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

Neuron = Callable[[], nn.Module]
"""Makes one spiking layer [T, B, *] -> [T, B, *]."""


class Layers(nn.Module):
    """A network [T, B, *] -> [B, classes]: the mean over T of its last layer.

    Args:
        neuron: called once per spiking layer.
    """

    def __init__(self, neuron: Neuron) -> None:
        super().__init__()
        self._neuron = neuron
        self._counts: dict[str, int] = {}
        self._spiking: set[str] = set()

    def add(self, kind: str, layer: nn.Module) -> None:
        """Appends a synaptic layer under the name `kind` and its number, from 1."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self.add_module(f"{kind}{self._counts[kind]}", layer)

    def fire(self) -> None:
        """Appends a layer of spiking neurons, `neuron1`, `neuron2`, ..."""
        self.add("neuron", self._neuron())
        self._spiking.add(f"neuron{self._counts['neuron']}")

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, classes] for x [T, B, *], layer by layer."""
        return self.per_step(x).mean(0)

    def per_step(self, x: Tensor) -> Tensor:
        """The last layer's output at every step, [T, B, classes], layer by layer."""
        T, B = x.shape[:2]
        for name, layer in self.named_children():
            x = layer(x) if name in self._spiking else layer(x.flatten(0, 1)).unflatten(0, (T, B))
        return x

    def step_by_step(self, x: Tensor, on_spikes: Callable[[str, Tensor], None] | None = None) -> Tensor:
        """The same logits, the whole network once per step.

        Args:
            x: [T, B, *].
            on_spikes: told name and output [B, *] of every spiking layer at every step.

        Raises:
            AttributeError: a spiking layer has no `step`.
        """
        potentials: dict[str, Any] = dict.fromkeys(self._spiking)
        outputs = []
        for now in x.unbind(0):
            y = now
            for name, layer in self.named_children():
                if name in self._spiking:
                    y, potentials[name] = cast(Any, layer).step(y, potentials[name])
                    if on_spikes is not None:
                        on_spikes(name, y)
                else:
                    y = layer(y)
            outputs.append(y)
        return torch.stack(outputs).mean(0)
