"""snnTorch 1: its single-step neurons in a loop over time, as in its tutorials.

A spike resets one step later, without decay; a potential equal to the threshold does not fire.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from psubench.neurons.foreign import references
from psubench.neurons.foreign.adapter import Foreign, lif_operations, loop

_RESETS = {"subtract": False, "zero": True}


def _firing(threshold: float, reset: str, alpha: float) -> references.Firing:
    if reset not in _RESETS:
        raise ValueError(f"reset_mechanism={reset}: give subtract or zero")
    return references.Firing(
        threshold, references.atan(alpha), strict=True, hard=_RESETS[reset], detached=True
    )


class Leaky(Foreign):
    """Leaky with learn_beta=False."""

    operations = staticmethod(lif_operations)

    def __init__(
        self,
        *,
        beta: float = 0.5,
        threshold: float = 1.0,
        reset_mechanism: str = "subtract",
        alpha: float = 2.0,
    ) -> None:
        import snntorch
        from snntorch import surrogate

        self.beta, self.firing = beta, _firing(threshold, reset_mechanism, alpha)
        node = snntorch.Leaky(
            beta=beta, threshold=threshold, spike_grad=surrogate.atan(alpha), reset_mechanism=reset_mechanism
        )
        super().__init__(node)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        return loop(self.node, x, torch.zeros_like(x[0]))

    def own_reference(self) -> nn.Module:
        """The recurrence with its late reset."""
        return references.LateResetReference(self.beta, self.firing)


class Synaptic(Foreign):
    """Synaptic, with a current that decays by alpha and a potential that decays by beta."""

    def __init__(
        self, *, alpha: float = 0.5, beta: float = 0.75, threshold: float = 1.0, slope: float = 2.0
    ) -> None:
        import snntorch
        from snntorch import surrogate

        self.alpha, self.beta, self.firing = alpha, beta, _firing(threshold, "subtract", slope)
        super().__init__(
            snntorch.Synaptic(alpha=alpha, beta=beta, threshold=threshold, spike_grad=surrogate.atan(slope))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        zeros = torch.zeros_like(x[0])

        def step(now: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
            spikes, *after = self.node(now, *state)
            return spikes, (after[0], after[1])

        return loop(step, x, (zeros, zeros))

    def own_reference(self) -> nn.Module:
        """The recurrence with its late reset."""
        return references.LateSynapticReference(self.alpha, self.beta, self.firing)
