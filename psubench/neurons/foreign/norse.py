"""norse 1: its single-step cells in a loop over time.

A potential equal to the threshold does not fire, the reset is hard, the reset passes gradient, and the
surrogate gradient is SuperSpike with a slope of 1, whatever its parameter is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from psubench.neurons.foreign import references
from psubench.neurons.foreign.adapter import Foreign, lif_operations, loop

DT = 0.001  # seconds, norse's own


def _firing(v_th: float) -> references.Firing:
    return references.Firing(v_th, references.superspike(1.0), strict=True, hard=True)


def _tensors(values: dict[str, float]) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(float(value)) for name, value in values.items()}


class LIFBoxCell(Foreign):
    """LIFBoxCell, a LIF without synaptic current; tau_mem_inv in 1/s, of which a step takes a thousandth."""

    operations = staticmethod(lif_operations)

    def __init__(self, *, tau_mem_inv: float = 500.0, v_th: float = 1.0) -> None:
        from norse.torch import LIFBoxCell as Cell
        from norse.torch import LIFBoxParameters

        self.rate, self.v_th = DT * tau_mem_inv, v_th
        given = {"tau_mem_inv": tau_mem_inv, "v_th": v_th}
        super().__init__(Cell(LIFBoxParameters(**_tensors(given))))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        return loop(self.node, x, None)

    def own_reference(self) -> nn.Module:
        """The recurrence."""
        return references.LeakyReference(1 - self.rate, self.rate, _firing(self.v_th))


class LIFCell(Foreign):
    """LIFCell, with a synaptic current."""

    def __init__(self, *, tau_mem_inv: float = 500.0, tau_syn_inv: float = 200.0, v_th: float = 1.0) -> None:
        from norse.torch import LIFCell as Cell
        from norse.torch import LIFParameters

        self.membrane, self.synapse, self.v_th = DT * tau_mem_inv, DT * tau_syn_inv, v_th
        given = {"tau_mem_inv": tau_mem_inv, "tau_syn_inv": tau_syn_inv, "v_th": v_th}
        super().__init__(Cell(LIFParameters(**_tensors(given))))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        return loop(self.node, x, None)

    def own_reference(self) -> nn.Module:
        """The recurrence."""
        return references.CurrentReference(self.membrane, self.synapse, _firing(self.v_th))
