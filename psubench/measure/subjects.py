"""What is measured: one layer of neurons or a network, built, checked against its reference, and called."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from psubench import models, neurons
from psubench.errors import UnsupportedError, WrongError
from psubench.measure.copy_speed import least_bytes
from psubench.measure.inputs import Inputs
from psubench.measure.spike_counts import activity
from psubench.measure.subject import Mark, Subject
from psubench.models import Network
from psubench.models.spikes import listening
from psubench.neurons import NeuronRef, calling
from psubench.neurons.checks import NO_REFERENCE
from psubench.neurons.equality import Gate
from psubench.neurons.outputs import spikes_of
from psubench.training.layer_gate import LayerGate, gate_of

LOGITS_TOLERANCE = 1e-6  # of float64 logits, relative to the largest


class OneLayer(Subject):
    """Model `neuron`: nothing but the neurons."""

    def least_bytes(self) -> int:
        """Of input, spikes and weights, and in training of their gradients."""
        return least_bytes(self.module, self.x, train=self.train)

    def _check(self) -> str | None:
        """The gate, on the inputs and on noise."""
        gate = gate_of(
            self.module, self.ref, self.case["T"], train=self.train, seed=self.seed, mark=self.mark,
            inference=self.inference,
        )  # fmt: skip
        doubt = gate.check(self.x, *([] if self.other is None else [self.other]))
        output = gate.output(self.x)
        self.seen.add(output)
        self.verified = activity([spikes_of(output).detach()])
        return doubt

    def activity(self) -> dict[str, Any]:
        """Of the one layer."""
        gate = Gate(
            self.module, None, None, self.train, self.seed, self.mark, inference=self.inference
        )  # fmt: skip
        return activity([gate.spikes(self.x)])

    def leaves(self, x: Tensor) -> list[Tensor]:
        """The input, which further layers would need the gradient of, and the weights."""
        return [x, *_weights(self.module)]


@dataclass
class InNetwork(Subject):
    """A network whose spiking layers are all of one neuron.

    Attributes:
        network: what `module` is.
        mode: "layer" or "step".
    """

    network: Network
    mode: str

    @property
    def layers(self) -> list[nn.Module]:
        """The spiking layers."""
        return [*self.network.spiking.values()]

    def run(self, x: Tensor) -> Tensor:
        """Logits [B, classes] in the mode of the case."""
        return self._in_mode(self.module, x, None)

    def _in_mode(
        self, module: nn.Module, x: Tensor, on_spikes: Callable[[str, Tensor], None] | None
    ) -> Tensor:
        output: Tensor = module(x) if self.mode == "layer" else cast(Any, module).step_by_step(x, on_spikes)
        return output

    def _check(self) -> str | None:
        """Every spiking layer passes the gate on what reaches it, and both modes give the same."""
        if self.network.own:
            return self._check_own()
        T, inference = self.case["T"], self.inference
        gate = LayerGate(
            self.network, self.ref, T, self.train, self.seed, self.mark, inference, self.seen
        )  # fmt: skip
        reached = gate.reached(lambda: self.module(self.x))
        doubt = gate.check_reached(reached)
        if self.mode == "step":
            self._check_steps()
        else:
            self.verified = activity(output for outputs in reached.spikes.values() for output in outputs)
        return doubt

    def _check_own(self) -> str:
        """A network that brings its neurons gives the same spikes again; no reference knows more of them."""
        with listening(self.network.spiking, lambda *_: None, self.seen):
            self.verified = self.activity()
        if self.activity() != self.verified:
            raise WrongError("a second call gives other spikes: the network keeps state between calls")
        return NO_REFERENCE

    def _forward(self, module: nn.Module, x: Tensor) -> Tensor:
        self.mark()
        calling.set_seed(self.seed)
        with torch.no_grad():
            output: Tensor = module(x)
        return output

    def _check_steps(self) -> None:
        """Step by step and layer by layer give equal spikes and logits, on one sample in float64.

        With the running statistics: in training, the statistics of one step are not those of all.
        """
        module = copy.deepcopy(self.module).to("cpu", torch.float64).eval()
        again = Network(module, _same_layers(self.network, module), self.network.input_shape)
        x = self.x[:, :1].to("cpu", torch.float64)
        expected: dict[str, Tensor] = {}
        with listening(again.spiking, lambda name, _, output: expected.__setitem__(name, output)):
            logits = self._forward(module, x)
        found: dict[str, list[Tensor]] = {name: [] for name in expected}
        self.mark()
        with torch.no_grad():
            stepped = self._in_mode(module, x, lambda name, spikes: found[name].append(spikes))
        for name, due in expected.items():
            if not torch.equal(torch.stack(found[name]), due):
                raise WrongError(f"step by step, layer {name} gives other spikes than layer by layer")
        if float((stepped - logits).abs().max()) > LOGITS_TOLERANCE * float(logits.abs().max()):
            raise WrongError("step by step the logits are others than layer by layer")

    def activity(self) -> dict[str, Any]:
        """Of all spiking layers."""
        found: dict[str, list[Tensor]] = {name: [] for name in self.network.spiking}
        self.mark()
        calling.set_seed(self.seed)
        with self.grad_mode():
            if self.mode == "step":
                self._in_mode(self.module, self.x, lambda name, spikes: found[name].append(spikes))
                return activity(torch.stack(steps) for steps in found.values())
            with listening(self.network.spiking, lambda name, _, output: found[name].append(output)):
                self.module(self.x)
        return activity(output for outputs in found.values() for output in outputs)

    def leaves(self, x: Tensor) -> list[Tensor]:  # noqa: ARG002
        """The weights: nothing comes before the input of a network."""
        return _weights(self.module)


def _weights(module: nn.Module) -> list[Tensor]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _same_layers(network: Network, module: nn.Module) -> dict[str, nn.Module]:
    named = dict(module.named_modules())
    return {name: named[name] for name in network.spiking}


def build(
    case: Mapping[str, Any],
    ref: NeuronRef,
    mode: str,
    inputs: Inputs,
    x: Tensor,
    seed: int,
    mark: Mark,
    other: Tensor | None = None,
    *,
    inference: bool = True,
) -> Subject:
    """The subject of a case, freshly initialised from the seed on the device and in the dtype of `x`.

    Args:
        other: the input that is fed in turn with x; None to feed x alone.
        inference: as `Subject` has it.

    Raises:
        PsubenchError: neuron or network cannot be built.
    """
    torch.manual_seed(seed)  # the same weights in every process, phase and mode
    T, train = neurons.steps(ref, case["T"]), case["phase"] == "train"
    if len(x) > T:  # a view of the first step follows what becomes of the inputs; time asks for no values
        x, other = x[:T], None if other is None else other[:T]
    if case["model"] == "neuron":
        layer = neurons.build(ref, T, tuple(x.shape[2:])).to(x.device, x.dtype).train(train)
        return OneLayer(case, ref, x, seed, mark, layer, other=other, inference=inference)
    model = models.parse(case["model"])
    if mode == "step" and model.is_plugin:
        raise UnsupportedError("a model plug-in runs layer by layer only", "use --mode layer")
    classes = inputs.classes or (models.TABLE[model.kind].classes if not model.is_plugin else 0)
    step = tuple(x.shape[2:])
    make = None if ref.kind == neurons.OWN else lambda: neurons.build(ref, T)
    network = models.build(model, make, T, step, classes)
    module = network.module.to(x.device, x.dtype).train(train)
    return InNetwork(
        case, ref, x, seed, mark, module, network, mode, other=other, inference=inference
    )  # fmt: skip
