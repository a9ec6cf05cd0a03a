"""Serial neurons with several states, or more than two outputs, in one pass over time; see `fused`."""

from __future__ import annotations

import torch
from torch import Tensor

from psubench.neurons import adaptive, fused, gated, multilevel, stateful
from psubench.neurons.checks import check_shape


class CubaLIF(stateful.CubaLIF):
    """Current-based LIF."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        name, numbers = f"cuba-lif-{self.reset}", (self.threshold, self.alpha, self.detach_reset)
        if self.w is None:
            return fused.serial(x, name, (*numbers, self.c, self.d))
        return fused.serial(x, name, numbers, learned=torch.sigmoid(fused.wide(self.w)))


class CLIF(stateful.CLIF):
    """Complementary LIF."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        return fused.serial(x, "clif", (self.threshold, self.alpha, 1 / self.tau))


class GLIF(gated.GLIF):
    """Gated LIF."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x, self.T)
        gates = self.gates(torch.float64 if x.dtype == torch.float64 else torch.float32)
        layer = (gates.keep, gates.leak, gates.erased, gates.sub, gates.threshold)
        return fused.serial(x, "glif", (self.alpha,), learned=torch.cat([torch.stack(layer), gates.gain]))


class AdLIF(adaptive.AdLIF):
    """Adaptive LIF."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        self.check_channels(x)
        own = self.within(torch.float64 if x.dtype == torch.float64 else torch.float32)
        return fused.serial(x, "adlif", (self.threshold, self.alpha), learned=torch.cat(own))


class TCLIF(stateful.TCLIF):
    """Two-compartment LIF."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        learned = torch.sigmoid(fused.wide(self.w))
        return fused.serial(x, "tc-lif", (self.threshold, self.alpha, self.gamma), learned=learned)


class ILIF(multilevel.ILIF):
    """Integer LIF."""

    def forward(self, x: Tensor) -> Tensor:
        """Counts for input current x, both [T, B, *features]."""
        check_shape(x)
        return fused.serial(x, "ilif", (self.threshold, 1 / self.tau, self.D, self.detach_reset))


class TernaryLIF(multilevel.TernaryLIF):
    """LIF with spikes of both signs."""

    def forward(self, x: Tensor) -> Tensor:
        """Spikes of both signs for input current x, both [T, B, *features]."""
        check_shape(x)
        numbers = (self.threshold, self.alpha, self.detach_reset, 1 / self.tau)
        return fused.serial(x, f"ternary-lif-{self.reset}", numbers)
