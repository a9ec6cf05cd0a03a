"""SpikingJelly 2: its multi-step modules, reset before every call.

The surrogate gradient here is psubench's arctangent, so that gradients can be compared; the library's default
is a sigmoid. Its LIF has a hard reset by default.
"""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from psubench import neurons
from psubench.neurons.foreign.adapter import Foreign, lif_operations


class Multistep(Foreign):
    """A module of SpikingJelly in step mode "m", with the psubench neuron that it equals."""

    def __init__(self, node: nn.Module, steps: int, same_as: str) -> None:
        super().__init__(node)
        self.steps, self.same_as = steps, same_as

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        if hasattr(self.node, "reset"):
            cast("Any", self.node).reset()
        spikes: Tensor = self.node(x)
        return spikes

    def own_reference(self) -> nn.Module:
        """psubench's own float64 reference with the same switches."""
        return _Named(self.same_as, self.steps)


class _Named(nn.Module):
    """A reference of psubench whose parameters have the names of the adapter's."""

    def __init__(self, name: str, T: int) -> None:
        super().__init__()
        made = neurons.build_reference(neurons.parse(name), T)
        assert made is not None
        self.node = made

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        spikes: Tensor = self.node(x)
        return spikes


def _switches(v_threshold: float, v_reset: float | None, detach_reset: bool, alpha: float) -> dict[str, Any]:
    from spikingjelly.activation_based import surrogate

    if v_reset not in (None, 0.0):
        raise ValueError(f"v_reset={v_reset}: psubench supports 0 (hard) and none (soft)")
    return {
        "v_threshold": v_threshold, "v_reset": v_reset, "detach_reset": detach_reset, "step_mode": "m",
        "surrogate_function": surrogate.ATan(alpha),
    }  # fmt: skip


def _same(switches: dict[str, Any], alpha: float) -> str:
    reset = "soft" if switches["v_reset"] is None else "hard"
    detached = str(switches["detach_reset"]).lower()
    return f"threshold={switches['v_threshold']},alpha={alpha},reset={reset},detach_reset={detached}"


class LIFNode(Multistep):
    """LIFNode, as `lif` with reset=hard and detach_reset=false."""

    operations = staticmethod(lif_operations)

    def __init__(
        self,
        *,
        T: int,
        tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        detach_reset: bool = False,
        alpha: float = 2.0,
        backend: str = "torch",
    ) -> None:
        from spikingjelly.activation_based import neuron

        switches = _switches(v_threshold, v_reset, detach_reset, alpha)
        node = neuron.LIFNode(tau=float(tau), decay_input=decay_input, **switches)
        node.backend = backend
        same = f"lif(tau={tau},decay_input={str(decay_input).lower()},{_same(switches, alpha)})"
        super().__init__(node, T, same)


class ParametricLIFNode(Multistep):
    """ParametricLIFNode, as `plif` with reset=hard and detach_reset=false."""

    operations = staticmethod(lif_operations)

    def __init__(
        self,
        *,
        T: int,
        init_tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        detach_reset: bool = False,
        alpha: float = 2.0,
    ) -> None:
        from spikingjelly.activation_based import neuron

        switches = _switches(v_threshold, v_reset, detach_reset, alpha)
        node = neuron.ParametricLIFNode(init_tau=float(init_tau), decay_input=decay_input, **switches)
        same = f"plif(tau={init_tau},decay_input={str(decay_input).lower()},{_same(switches, alpha)})"
        super().__init__(node, T, same)


class PSN(Multistep):
    """PSN, as `psn`."""

    causal = False

    def __init__(self, *, T: int, alpha: float = 2.0) -> None:
        from spikingjelly.activation_based import neuron, surrogate

        super().__init__(neuron.PSN(T, surrogate.ATan(alpha)), T, f"psn(alpha={alpha})")


class MaskedPSN(Multistep):
    """MaskedPSN, as `masked-psn`; lambda_init is 1 here, so that it is causal."""

    def __init__(self, *, T: int, k: int = 2, lambda_init: float = 1.0, alpha: float = 2.0) -> None:
        from spikingjelly.activation_based import neuron, surrogate

        node = neuron.MaskedPSN(
            k=k, T=T, lambda_init=float(lambda_init), surrogate_function=surrogate.ATan(alpha), step_mode="m"
        )
        super().__init__(node, T, f"masked-psn(k={k},lam={lambda_init},alpha={alpha})")


class SlidingPSN(Multistep):
    """SlidingPSN, as `sliding-psn`."""

    def __init__(self, *, T: int, k: int = 2, alpha: float = 2.0) -> None:
        from spikingjelly.activation_based import neuron, surrogate

        node = neuron.SlidingPSN(k=k, surrogate_function=surrogate.ATan(alpha), step_mode="m")
        super().__init__(node, T, f"sliding-psn(k={k},alpha={alpha})")


class ComplementaryLIFNode(Multistep):
    """ComplementaryLIFNode, as `clif`."""

    def __init__(self, *, T: int, tau: float = 2.0, v_threshold: float = 1.0) -> None:
        from spikingjelly.activation_based import neuron

        node = neuron.ComplementaryLIFNode(tau=float(tau), v_threshold=float(v_threshold), step_mode="m")
        super().__init__(node, T, f"clif(tau={tau},threshold={v_threshold})")


class CUBALIFNode(Multistep):
    """CUBALIFNode, as `cuba-lif`."""

    def __init__(
        self,
        *,
        T: int,
        c_decay: float = 0.5,
        v_decay: float = 0.75,
        v_threshold: float = 0.5,
        v_reset: float | None = 0.0,
    ) -> None:
        from spikingjelly.activation_based import neuron

        node = neuron.CUBALIFNode(c_decay=c_decay, v_decay=v_decay, v_threshold=v_threshold, v_reset=v_reset)
        node.step_mode = "m"
        reset = "soft" if v_reset is None else "hard"
        super().__init__(node, T, f"cuba-lif(c={c_decay},d={v_decay},threshold={v_threshold},reset={reset})")


class ILIFNode(Multistep):
    """ILIFNode, as `ilif` with detach_reset=false; counts, of at most D = 4."""

    def __init__(
        self, *, T: int, tau: float = 4 / 3, v_threshold: float = 1.0, detach_reset: bool = False
    ) -> None:
        from spikingjelly.activation_based import neuron

        node = neuron.ILIFNode(
            tau=float(tau), v_threshold=float(v_threshold), detach_reset=detach_reset, step_mode="m"
        )
        detached = str(detach_reset).lower()
        super().__init__(node, T, f"ilif(tau={tau},threshold={v_threshold},detach_reset={detached})")


class GatedLIFNode(Multistep):
    """GatedLIFNode with a gate of each kind per layer, as `glif`; it takes steps of [B, C, H, W]."""

    def __init__(self, *, T: int, init_tau: float = 0.25, init_v_threshold: float = 0.5) -> None:
        from spikingjelly.activation_based import neuron, surrogate

        node = neuron.GatedLIFNode(
            T, init_tau=float(init_tau), init_v_threshold=float(init_v_threshold),
            surrogate_function=surrogate.Rect(), step_mode="m",
        )  # fmt: skip
        names = nn.Module()
        for theirs, ours in _GATES.items():
            names.register_parameter(ours, node.get_parameter(theirs))
        super().__init__(names, T, f"glif(decay={init_tau},threshold={init_v_threshold})")
        # In a tuple: its parameters are in `node`, under psubench's names.
        self._gated = (node,)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        (node,) = self._gated
        node.reset()
        spikes: Tensor = node(x.flatten(2).unsqueeze(-1).unsqueeze(-1))
        return spikes.view_as(x)


_GATES = {
    "alpha": "a", "beta": "b", "gamma": "g", "tau": "tau", "v_threshold": "threshold",
    "linear_decay": "leak", "v_subreset": "sub", "conduct": "conduct",
}  # fmt: skip
"""SpikingJelly's names of GLIF's parameters and psubench's."""
