"""What is measured: one layer of neurons or a network, built, checked against its reference, and called."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from psubench import models, neurons
from psubench.errors import UnsupportedError, WrongError
from psubench.measure.copy_speed import least_bytes
from psubench.measure.gate import PROBE_ENTRIES, Gate
from psubench.measure.inputs import Inputs
from psubench.measure.spike_counts import activity
from psubench.models import Network
from psubench.models.spikes import listening
from psubench.neurons import NeuronRef
from psubench.training.weights import load

Mark = Callable[[], None]
LOGITS_TOLERANCE = 1e-6  # of float64 logits, relative to the largest


@dataclass
class Subject:
    """A neuron in its case: `run` is the forward pass that is timed.

    Attributes:
        case: as `Case.canonical` gives it, without neuron and mode.
        ref: the neuron.
        x: the input on its device, without gradient.
        mark: called before each call: a sign of life.
        module: with the weights; in training mode in phase `train`.
    """

    case: Mapping[str, Any]
    ref: NeuronRef
    x: Tensor
    seed: int
    mark: Mark
    module: nn.Module

    def load(self, checkpoint: str | None) -> None:
        """Puts trained weights in the place of the fresh ones; None leaves those.

        Raises:
            PsubenchError: the weights are of something else.
        """
        if checkpoint is not None:
            model = models.parse(self.case["model"])
            found = load(Path(checkpoint), model=model, neuron=self.ref, T=self.case["T"])
            found.into(self.module)

    @property
    def train(self) -> bool:
        """Whether the phase is training."""
        return bool(self.case["phase"] == "train")

    def run(self, x: Tensor) -> Tensor:
        """The forward pass that is timed."""
        output: Tensor = self.module(x)
        return output

    def check(self) -> bool:
        """Raises WrongError unless the subject is what it says it is; whether a reference confirmed it."""
        raise NotImplementedError

    def activity(self) -> dict[str, Any]:
        """Counts of all spikes on the input, with the seed set."""
        raise NotImplementedError

    def leaves(self, x: Tensor) -> list[Tensor]:
        """What training asks gradients for; `x` requires one."""
        raise NotImplementedError

    def least_bytes(self) -> int | None:
        """What a call must move through memory at least; None where that is not known."""
        return None

    @property
    def layers(self) -> list[nn.Module]:
        """The spiking layers."""
        return [self.module]

    def first(self) -> None:
        """Calls it once in every way in which it will be checked on its input and timed."""
        self.activity()
        with torch.inference_mode(not self.train):
            self.call()()

    def call(self) -> Callable[[], object]:
        """One unit of work: the forward pass, in training with its backward pass.

        The loss is linear in the output, so its gradient is a fixed tensor. `autograd.grad` returns
        fresh gradients and accumulates none, so there is nothing to clear.
        """
        if not self.train:
            x = self.x
            return lambda: self.run(x)
        x = self.x.detach().requires_grad_(True)
        leaves = self.leaves(x)
        if all(leaf is not x for leaf in leaves):
            x = self.x
        with torch.no_grad():
            shape = self.run(self.x).shape
        generator = torch.Generator().manual_seed(self.seed)
        cotangent = torch.randn(shape, generator=generator).to(x.device, x.dtype)
        return lambda: torch.autograd.grad(self.run(x), leaves, cotangent, allow_unused=True)

    def _gate(self, layer: nn.Module, entries: int = PROBE_ENTRIES) -> Gate:
        reference = neurons.build_reference(self.ref, self.case["T"])
        if reference is not None:
            reference.to("cpu", torch.float64).train(layer.training)
            weights = {name: value.to("cpu", torch.float64) for name, value in layer.state_dict().items()}
            reference.load_state_dict(weights)
        causal = neurons.causal(self.ref, training=self.train)
        return Gate(layer, reference, causal, self.train, self.seed, self.mark, entries)


class OneLayer(Subject):
    """Model `neuron`: nothing but the neurons."""

    def least_bytes(self) -> int:
        """Of input, spikes and weights, and in training of their gradients."""
        return least_bytes(self.module, self.x, train=self.train)

    def check(self) -> bool:
        """The gate, on the input and on noise."""
        gate = self._gate(self.module)
        gate.check(self.x)
        return gate.reference is not None

    def activity(self) -> dict[str, Any]:
        """Of the one layer."""
        return activity([Gate(self.module, None, None, False, self.seed, self.mark).spikes(self.x)])

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

    def check(self) -> bool:
        """Every spiking layer passes the gate on what reaches it, and both modes give the same.

        Of a built-in neuron, which treats every trace alike, some traces stand for all.
        """
        if self.network.own:
            self._check_repeats()
            return False
        reached: dict[str, Tensor] = {}
        with listening(self.network.spiking, lambda name, given, _: reached.__setitem__(name, given)):
            self._forward(self.module, self.x)
        entries = PROBE_ENTRIES // len(reached)
        verified = True
        for name, layer in self.network.spiking.items():
            if name not in reached:
                raise WrongError(f"the network does not call its spiking layer {name}")
            gate = self._gate(layer, entries)
            try:
                gate.check(self._some(reached.pop(name), entries))
            except WrongError as error:
                raise WrongError(f"layer {name}: {error}") from None
            verified &= gate.reference is not None
        if self.mode == "step":
            self._check_steps()
        return verified

    def _forward(self, module: nn.Module, x: Tensor) -> Tensor:
        self.mark()
        torch.manual_seed(self.seed)
        with torch.no_grad():
            output: Tensor = module(x)
        return output

    def _some(self, given: Tensor, entries: int) -> Tensor:
        """Some traces [T, n] of a layer's input; whole samples where one feature is not as another."""
        if not neurons.interchangeable(self.ref):
            return given[:, : max(1, entries // max(1, given[:, 0].numel()))]
        traces = given.flatten(1)
        chosen = torch.randperm(traces.shape[1], generator=torch.Generator().manual_seed(self.seed))
        return traces[:, chosen[: max(1, entries // len(given))].to(given.device)]

    def _check_steps(self) -> None:
        """Step by step and layer by layer give equal spikes and logits, on one sample in float64.

        With the running statistics: in training, the statistics of one step are not those of all.
        """
        module = copy.deepcopy(self.module).to("cpu", torch.float64).eval()
        twin = Network(module, _same_layers(self.network, module), self.network.input_shape)
        x = self.x[:, :1].to("cpu", torch.float64)
        expected: dict[str, Tensor] = {}
        with listening(twin.spiking, lambda name, _, output: expected.__setitem__(name, output)):
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
        torch.manual_seed(self.seed)
        with torch.no_grad():
            if self.mode == "step":
                self._in_mode(self.module, self.x, lambda name, spikes: found[name].append(spikes))
                return activity(torch.stack(steps) for steps in found.values())
            with listening(self.network.spiking, lambda name, _, output: found[name].append(output)):
                self.module(self.x)
        return activity(output for outputs in found.values() for output in outputs)

    def _check_repeats(self) -> None:
        """Raises WrongError if a network with its own neurons spikes otherwise when it is called again."""
        if self.activity() != self.activity():
            raise WrongError("a second call gives other spikes: the network keeps state between calls")

    def leaves(self, x: Tensor) -> list[Tensor]:  # noqa: ARG002
        """The weights: nothing comes before the input of a network."""
        return _weights(self.module)


def _weights(module: nn.Module) -> list[Tensor]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _same_layers(network: Network, module: nn.Module) -> dict[str, nn.Module]:
    named = dict(module.named_modules())
    return {name: named[name] for name in network.spiking}


def build(
    case: Mapping[str, Any], ref: NeuronRef, mode: str, inputs: Inputs, x: Tensor, seed: int, mark: Mark
) -> Subject:
    """The subject of a case, freshly initialised from the seed on the device and in the dtype of `x`.

    Raises:
        PsubenchError: neuron or network cannot be built.
    """
    torch.manual_seed(seed)  # the same weights in every process, phase and mode
    T, train = case["T"], case["phase"] == "train"
    if case["model"] == "neuron":
        layer = neurons.build(ref, T, tuple(x.shape[2:])).to(x.device, x.dtype).train(train)
        return OneLayer(case, ref, x, seed, mark, layer)
    model = models.parse(case["model"])
    if mode == "step" and model.is_plugin:
        raise UnsupportedError("a model plug-in runs layer by layer only", "use --mode layer")
    classes = inputs.classes or (models.TABLE[model.kind].classes if not model.is_plugin else 0)
    step = tuple(x.shape[2:])
    make = None if ref.kind == neurons.OWN else lambda: neurons.build(ref, T)
    network = models.build(model, make, T, step, classes)
    module = network.module.to(x.device, x.dtype).train(train)
    return InNetwork(case, ref, x, seed, mark, module, network, mode)
