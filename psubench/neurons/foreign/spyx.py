"""spyx 1, on JAX: `jax.lax.scan` over its single-step neuron, compiled once per shape.

Tensors pass to JAX and back without a copy, and a call waits for its result. XLA has its own
threads; if torch uses one thread, so does XLA. A spike comes one step after its cause.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from psubench.neurons.foreign import references
from psubench.neurons.foreign.adapter import Foreign, lif_operations

SLOPE = 25.0
"""Slope of spyx's SuperSpike."""
Forward = Callable[[Tensor, Tensor], tuple[Tensor, Any]]
Backward = Callable[[Any, Tensor], tuple[Tensor, Tensor]]


class LIF(Foreign):
    """LIF with one learned decay β for the layer."""

    operations = staticmethod(lif_operations)

    def __init__(self, *, beta: float = 0.5, threshold: float = 1.0) -> None:
        super().__init__(nn.Module())
        self.node.register_parameter("beta", nn.Parameter(torch.tensor(float(beta))))
        self.threshold = threshold

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        spikes: Tensor = _Scan.apply(x.contiguous(), self.node.beta, self.threshold)  # type: ignore[no-untyped-call]
        return spikes

    def own_reference(self) -> nn.Module:
        """The recurrence with its late spike."""
        firing = references.Firing(self.threshold, references.superspike(SLOPE), strict=True)
        return references.LateSpikeReference(self.node.get_parameter("beta"), firing)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, beta: Tensor, threshold: float) -> Tensor:
        forward, forward_with_pullback, _ = _compiled(threshold)
        if not any(ctx.needs_input_grad):
            return _back(forward(_over(x), _over(beta)))
        spikes, ctx.pullback = forward_with_pullback(_over(x), _over(beta))
        ctx.threshold = threshold
        return _back(spikes)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        backward = _compiled(ctx.threshold)[2]
        x, beta = backward(ctx.pullback, _over(gradients[0].contiguous()))
        return _back(x), _back(beta), None


def _over(tensor: Tensor) -> Any:
    import jax

    return jax.dlpack.from_dlpack(tensor.detach())


def _back(array: Any) -> Tensor:
    tensor: Tensor = torch.utils.dlpack.from_dlpack(array.block_until_ready())
    return tensor


@cache
def _compiled(threshold: float) -> tuple[Any, Any, Any]:
    """The scan, the scan that also returns what the backward pass needs, and the backward pass."""
    if torch.get_num_threads() == 1:
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
        os.environ.setdefault("NPROC", "1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import spyx.nn
    from flax import nnx

    jax.config.update("jax_enable_x64", True)  # so that float64 tensors keep their type

    def scan(x: Any, beta: Any) -> Any:
        node = spyx.nn.LIF(x.shape[2:], beta=0.0, threshold=threshold, rngs=nnx.Rngs(0))
        node.beta.set_value(beta)

        def step(v: Any, now: Any) -> tuple[Any, Any]:
            spikes, after = node(now, v)
            return after, spikes

        return jax.lax.scan(step, jax.numpy.zeros(x.shape[1:], x.dtype), x)[1]

    pull = jax.jit(lambda x, beta: jax.vjp(scan, x, beta))
    return jax.jit(scan), pull, jax.jit(lambda pullback, gradient: pullback(gradient))
