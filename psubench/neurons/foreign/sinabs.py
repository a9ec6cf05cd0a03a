"""sinabs 3: its layers, which expect the batch before time; at most one spike per step, state reset per call.

The LIF of sinabs may fire several spikes in a step by default; here it fires at most one (SingleSpike).
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from psubench.neurons.foreign import references
from psubench.neurons.foreign.adapter import Foreign, lif_operations

WIDTH = 0.5  # of sinabs's exponential surrogate, in thresholds
TAU = 1 / math.log(2)
"""A decay by half per step, like τ = 2 of psubench's `lif`."""


class _Layer(Foreign):
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        node = cast("Any", self.node)
        if node.is_state_initialised():
            node.reset_states()
        spikes: Tensor = node(x.transpose(0, 1))
        return spikes.transpose(0, 1)


class LIF(_Layer):
    """LIF without synaptic current."""

    operations = staticmethod(lif_operations)

    def __init__(self, *, tau_mem: float = TAU, threshold: float = 1.0, norm_input: bool = True) -> None:
        from sinabs import layers
        from sinabs.activation import SingleSpike

        self.threshold, self.norm_input = threshold, norm_input
        super().__init__(
            layers.LIF(
                tau_mem=tau_mem,
                spike_threshold=torch.tensor(float(threshold)),
                spike_fn=SingleSpike,
                norm_input=norm_input,
            )
        )

    def own_reference(self) -> nn.Module:
        """The recurrence with its learned time constant."""
        slope = references.exponential(WIDTH * self.threshold)
        tau_mem = cast("Any", self.node).tau_mem
        return references.TimeConstantReference(
            tau_mem, references.Firing(self.threshold, slope), normalised=self.norm_input
        )


class ALIF(_Layer):
    """ALIF, whose threshold rises with its own spikes."""

    def __init__(self, *, tau_mem: float = TAU, tau_adapt: float = 10.0, adapt_scale: float = 1.8) -> None:
        from sinabs import layers

        self.adapt_scale = adapt_scale
        node = layers.ALIF(tau_mem=float(tau_mem), tau_adapt=float(tau_adapt), adapt_scale=adapt_scale)
        super().__init__(node)

    def own_reference(self) -> nn.Module:
        """The recurrence with its learned time constants."""
        node = cast("Any", self.node)
        return references.AdaptiveReference(node.tau_mem, node.tau_adapt, self.adapt_scale, WIDTH)
