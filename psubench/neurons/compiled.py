"""The published forms, compiled by torch.compile: the same modules with a compiled `forward`.

Shapes are static: the timed code was compiled for exactly its shape. The first call for a shape, and for
with and without gradients, compiles: seconds for a matrix neuron, minutes for a loop over many steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from psubench.neurons import (
    activations,
    adaptive,
    compartments,
    convolution,
    cpp_build,
    fixed_point,
    gated,
    multilevel,
    no_reset,
    psn,
    psu,
    serial,
    stateful,
)
from psubench.neurons.products import in_own_precision, looked_at

# One entry is one shape of one neuron, with or without gradients; above, torch would quietly run eagerly.
_MOST_GRAPHS = 1024


class Compiled(nn.Module):
    """Runs the `forward` of the next class in the order of bases through torch.compile.

    Attributes:
        graphs: how many graphs have been compiled for it so far.
    """

    graphs = 0
    multiplies = False
    """Whether its graph multiplies matrices or has an FFT, through which a NaN would reach earlier steps."""
    _run: Callable[[Tensor], Tensor] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Compiled code cannot be pickled.
        return {name: value for name, value in self.__dict__.items() if name not in {"graphs", "_run"}}

    @in_own_precision
    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        if self._run is None:
            # With no neurons: creates the constants, which the graph then takes as inputs.
            super().forward(x[:, :0])
            self._run = self._compile(super().forward)
        if self.multiplies and looked_at(x) and not math.isfinite(x.detach().sum().item()):
            eager: Tensor = super().forward(x)  # keeps non-finite values from reaching earlier steps
            return eager
        return self._run(x)

    def _compile(self, eager: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        cpp_build.compiler()
        import torch._dynamo
        import torch._inductor.config

        torch._dynamo.config.recompile_limit = _MOST_GRAPHS
        torch._dynamo.config.fail_on_recompile_limit_hit = True
        torch._inductor.config.compile_threads = 1  # no helper process next to the timed code
        torch._inductor.config.fallback_random = True  # the draws of a stochastic neuron are those of eager
        inductor = torch._dynamo.lookup_backend("inductor")

        def count(graph: Any, inputs: Any) -> Any:
            self.graphs += 1
            return inductor(graph, inputs)

        return torch.compile(eager, backend=count, dynamic=False)


def graph_breaks() -> int:
    """How often tracing has had to go back to Python since the process began."""
    from torch._dynamo.utils import counters

    return sum(counters["graph_break"].values())


class IF(Compiled, serial.IF):
    """Integrate and fire, compiled."""


class LIF(Compiled, serial.LIF):
    """Leaky integrate and fire, compiled."""


class PLIF(Compiled, serial.PLIF):
    """LIF with a learned 1/τ, compiled."""


class NoResetLIF(Compiled, no_reset.NoResetLIF):
    """LIF without its reset, compiled."""

    multiplies = True


class SPSN(Compiled, no_reset.SPSN):
    """Stochastic parallelizable spiking neuron, compiled."""

    multiplies = True


class PSN(Compiled, psn.PSN):
    """Parallel spiking neuron, compiled."""


class MaskedPSN(Compiled, psn.MaskedPSN):
    """Masked PSN, compiled."""

    multiplies = True


class SlidingPSN(Compiled, psn.SlidingPSN):
    """Sliding PSN, compiled."""

    multiplies = True


class PSU(Compiled, psu.PSU):
    """Parallel spiking unit, by matrices, compiled."""

    multiplies = True


class IPSU(Compiled, psu.IPSU):
    """Input-aware PSU, compiled."""

    multiplies = True


class RPSU(Compiled, psu.RPSU):
    """Reset-aware PSU, compiled."""

    multiplies = True


class CubaLIF(Compiled, stateful.CubaLIF):
    """Current-based LIF, compiled."""


class CLIF(Compiled, stateful.CLIF):
    """Complementary LIF, compiled."""


class GLIF(Compiled, gated.GLIF):
    """Gated LIF, compiled."""


class AdLIF(Compiled, adaptive.AdLIF):
    """Adaptive LIF, compiled."""


class TCLIF(Compiled, stateful.TCLIF):
    """Two-compartment LIF, compiled."""


class ILIF(Compiled, multilevel.ILIF):
    """Integer LIF, compiled."""


class TernaryLIF(Compiled, multilevel.TernaryLIF):
    """LIF with spikes of both signs, compiled."""


class FPT(Compiled, fixed_point.FPT):
    """Fixed-point parallel training, compiled."""

    multiplies = True


class PRF(Compiled, convolution.PRF):
    """Parallel resonate and fire, compiled."""

    multiplies = True


class PMSN(Compiled, compartments.PMSN):
    """Parallel multi-compartment spiking neuron, compiled."""

    multiplies = True


class MulFreePSN(Compiled, convolution.MulFreePSN):
    """Multiplication-free PSN, compiled."""


class ReLU(Compiled, activations.ReLU):
    """Rectified linear unit, compiled."""


class QuantReLU(Compiled, activations.QuantReLU):
    """Quantised ReLU, compiled."""
