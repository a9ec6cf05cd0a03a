"""lif@fused against the LIF neurons of other libraries, as ratios over T, forward and forward+backward.

The peers live in an environment of their own:

    python3 -m venv peers && peers/bin/pip install --constraint constraints.txt \
        -e . "spikingjelly>=2" spyx jax snntorch norse sinabs
    peers/bin/python scripts/benchmark_peers.py [THREADS]

Each computes tau = 2, threshold 1, soft reset as its own code does it; where a library has no such neuron
it runs its nearest one, so times are compared here, not spikes. A library that cannot be imported or
fails is a line that says so. Ratios are t_peer / t_ours, median over interleaved rounds: above 1 the
fused LIF is faster.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import torch
from benchmark_fused import race

from psubench.devices import worker_environment
from psubench.neurons import build, parse
from psubench.stats.intervals import log_ratios, over_rounds

SHAPES = ((32, 512), (16, 64, 16, 16))
TS = (4, 8, 16, 32, 64, 128)
SECONDS = 3.0
Layer = Callable[[torch.Tensor], torch.Tensor]


def spikingjelly() -> Layer:
    """LIFNode over all steps."""
    from spikingjelly.activation_based import functional, neuron, surrogate

    node = neuron.LIFNode(
        tau=2.0, v_reset=None, detach_reset=True, step_mode="m", surrogate_function=surrogate.ATan()
    )

    def layer(x: torch.Tensor) -> torch.Tensor:
        functional.reset_net(node)
        spikes: torch.Tensor = node(x)
        return spikes

    return layer


def snntorch() -> Layer:
    """Leaky, in the loop that its tutorials write."""
    from snntorch import Leaky, surrogate

    node = Leaky(beta=0.5, spike_grad=surrogate.atan())

    def layer(x: torch.Tensor) -> torch.Tensor:
        memory = node.reset_mem()
        spikes = []
        for step in x:
            spike, memory = node(step, memory)
            spikes.append(spike)
        return torch.stack(spikes)

    return layer


def norse() -> Layer:
    """LIF without synapses: LIFBoxCell, in a loop."""
    from norse.torch import LIFBoxCell

    node = LIFBoxCell()

    def layer(x: torch.Tensor) -> torch.Tensor:
        state, spikes = None, []
        for step in x:
            spike, state = node(step, state)
            spikes.append(spike)
        return torch.stack(spikes)

    return layer


def sinabs() -> Layer:
    """LIF over all steps; it wants the batch before time, so its input is given that way."""
    from sinabs.layers import LIF

    node = LIF(tau_mem=2.0)

    def layer(x: torch.Tensor) -> torch.Tensor:
        node.reset_states()
        spikes: torch.Tensor = node(x.transpose(0, 1))
        return spikes

    return layer


def of_torch(layer: Layer, x: torch.Tensor, cotangent: torch.Tensor | None) -> Callable[[], object]:
    """A call of the forward pass, or of both with a cotangent."""
    if cotangent is None:

        def forward() -> object:
            with torch.no_grad():
                return layer(x)

        return forward
    leaf = x.clone().requires_grad_()
    swapped = layer(leaf).shape != leaf.shape
    due = cotangent.transpose(0, 1) if swapped else cotangent
    return lambda: torch.autograd.grad(layer(leaf), leaf, due)


def spyx(x: torch.Tensor, cotangent: torch.Tensor | None) -> Callable[[], object]:
    """spyx's LIF under jax.lax.scan and jax.jit; nothing is converted inside of the call."""
    import jax
    import spyx.nn as snn
    from flax import nnx

    node = snn.LIF(x.shape[2:], beta=0.5, rngs=nnx.Rngs(0))
    given = jax.numpy.asarray(x.numpy())
    start = node.initial_state(x.shape[1])

    def layer(current: jax.Array) -> jax.Array:
        def step(V: jax.Array, now: jax.Array) -> tuple[jax.Array, jax.Array]:
            spikes, V = node(now, V)
            return V, spikes

        return jax.lax.scan(step, start, current)[1]

    if cotangent is None:
        forward = jax.jit(layer)
        return lambda: forward(given).block_until_ready()
    due = jax.numpy.asarray(cotangent.numpy())

    def backward(current: jax.Array, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
        # The spikes are a result too: who trains a network needs them, and XLA drops what nobody gets.
        spikes, pull = jax.vjp(layer, current)
        return spikes, pull(gradient)[0]

    both = jax.jit(backward)
    return lambda: jax.block_until_ready(both(given, due))


PEERS = {
    "SpikingJelly": spikingjelly, "snnTorch": snntorch, "norse": norse, "sinabs": sinabs,
}  # fmt: skip


def calls(x: torch.Tensor, cotangent: torch.Tensor | None) -> dict[str, Callable[[], object]]:
    """Every contestant that works on this machine."""
    found = {"psubench": of_torch(build(parse("lif@fused"), len(x)), x, cotangent)}
    makers = {name: lambda peer=peer: of_torch(peer(), x, cotangent) for name, peer in PEERS.items()}
    for name, make in {**makers, "spyx": lambda: spyx(x, cotangent)}.items():
        try:
            call = make()
            call()
        except Exception as error:  # whatever another library raises is its line
            print(f"  {name}: not measured, {type(error).__name__}: {' '.join(str(error).split())[:150]}")
        else:
            found[name] = call
    return found


def main() -> None:
    """All shapes, lengths and phases."""
    for shape in SHAPES:
        for T in TS:
            x = torch.randn(T, *shape) + 1
            for phase, cotangent in (("forward", None), ("forward+backward", torch.randn(x.shape))):
                times = race(calls(x, cotangent), SECONDS)
                ours = times.pop("psubench")
                ratios = {
                    name: over_rounds(log_ratios(theirs, ours)).ratios() for name, theirs in times.items()
                }
                shown = ", ".join(f"{name} {ratio:.1f}" for name, (ratio, _, _) in ratios.items())
                print(f"{[T, *shape]!s:22} {phase:17} {shown}", flush=True)


if __name__ == "__main__":
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    wanted = {
        **worker_environment(threads, "cpu"),
        # XLA has a pool of its own, one thread per core that it may run on.
        "NPROC": str(threads),
        "XLA_FLAGS": "" if threads > 1 else "--xla_cpu_multi_thread_eigen=false",
        "JAX_PLATFORMS": "cpu",
    }
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        command = [sys.executable, __file__, str(threads)]
        sys.exit(subprocess.run(command, env={**os.environ, **wanted}, check=False).returncode)
    torch.set_num_threads(threads)
    if threads == 1:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    main()
