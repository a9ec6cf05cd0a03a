"""The gate of a network: every spiking layer agrees with its reference on what reaches it.

It stands here because training, counting, timing and profiling all need it, and training is the lowest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from psubench import neurons
from psubench.errors import WrongError
from psubench.models import Network
from psubench.models.spikes import listening
from psubench.neurons import NeuronRef
from psubench.neurons.calling import grad_mode, set_seed
from psubench.neurons.equality import PROBE_ENTRIES, Gate
from psubench.neurons.outputs import Seen


def gate_of(
    layer: nn.Module,
    ref: NeuronRef,
    T: int,
    *,
    train: bool,
    seed: int,
    mark: Callable[[], None],
    entries: int = PROBE_ENTRIES,
    inference: bool = True,
) -> Gate:
    """The gate of one layer, whose reference has the layer's weights."""
    reference = neurons.build_reference(ref, T)
    if reference is not None:
        reference.to("cpu", torch.float64).train(layer.training)
        reference.load_state_dict(
            {name: value.to("cpu", torch.float64) for name, value in layer.state_dict().items()}
        )
    causal = neurons.causal(ref, training=train)
    return Gate(layer, reference, causal, train, seed, mark, entries, inference)


@dataclass(frozen=True)
class Reached:
    """What a forward pass has brought to and got from every spiking layer, by its name.

    Attributes:
        given: input of its last call, [T, B, *].
        spikes: outputs of all of its calls.
    """

    given: dict[str, Tensor]
    spikes: dict[str, list[Tensor]]


@dataclass(frozen=True)
class LayerGate:
    """Checks the spiking layers of a network.

    Attributes:
        train: whether gradients are compared too.
        seed, mark, inference: as for `Gate`.
        seen: what the layers give in the forward passes of `reached`.
    """

    network: Network
    ref: NeuronRef
    T: int
    train: bool
    seed: int
    mark: Callable[[], None]
    inference: bool = True
    seen: Seen = field(default_factory=Seen)

    def reached(self, forward: Callable[[], object]) -> Reached:
        """What reaches the layers in one forward pass, in layer mode, with the seed set."""
        found = Reached({}, {name: [] for name in self.network.spiking})

        def on_layer(name: str, given: Tensor, output: Tensor) -> None:
            found.given[name] = given
            found.spikes[name].append(output)

        self.mark()
        set_seed(self.seed)
        mode = grad_mode(train=self.train, inference=self.inference)
        with mode, listening(self.network.spiking, on_layer, self.seen):
            forward()
        return found

    def check_reached(self, reached: Reached) -> str | None:
        """Checks every layer on what has reached it; why the spikes are not verified, None if they are.

        Of a built-in neuron, which treats every trace alike, some traces stand for all.

        Raises:
            WrongError: a layer disagrees with its reference, or is not called; names the layer.
        """
        doubts = []
        for name, layer in self.network.spiking.items():
            if name not in reached.given:
                raise WrongError(f"the network does not call its spiking layer {name}")
            try:
                doubts.append(self._check_layer(layer, reached.given[name], reached.spikes[name][-1]))
            except WrongError as error:
                raise WrongError(f"layer {name}: {error}") from None
        return next(filter(None, doubts), None)

    def _check_layer(self, layer: nn.Module, given: Tensor, spikes: Tensor) -> str | None:
        entries = PROBE_ENTRIES // len(self.network.spiking)
        gate = gate_of(
            layer, self.ref, self.T, train=self.train, seed=self.seed, mark=self.mark, entries=entries,
            inference=self.inference,
        )  # fmt: skip
        given = given.float() if given.dtype != torch.float64 and spikes.dtype == torch.float32 else given
        some, theirs = self._some(given, entries), self._some(spikes, entries)
        doubt = gate.check(some)
        whole = some.shape == given.shape
        if torch.equal(gate.spikes(some), theirs) or not (whole or self.ref.is_plugin):
            return doubt  # the products of a built-in neuron round otherwise where there are fewer traces
        if not whole:  # it draws numbers or mixes samples, so that no part stands for the whole
            doubt = gate.check(given)
        if not gate.draws(given) and not torch.equal(gate.spikes(given), spikes):
            raise WrongError("alone it gives other spikes than inside the network")
        return doubt

    def _some(self, tensor: Tensor, entries: int) -> Tensor:
        """Some traces [T, n] of a layer's input or output; whole samples where no trace is as another."""
        if not neurons.interchangeable(self.ref):
            return tensor[:, : max(1, entries // max(1, tensor[:, 0].numel()))]
        traces = tensor.flatten(1)
        chosen = torch.randperm(traces.shape[1], generator=torch.Generator().manual_seed(self.seed))
        return traces[:, chosen[: max(1, entries // len(tensor))].to(tensor.device)]
