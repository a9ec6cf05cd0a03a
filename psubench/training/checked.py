"""The gate of a training: the network that is trained, and the one that was, spike as the reference says."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, NamedTuple

import torch

from psubench import neurons
from psubench.training import weights
from psubench.training.case import Training
from psubench.training.layer_gate import LayerGate
from psubench.training.network import set_lambda

if TYPE_CHECKING:
    from psubench.models import Network

SAMPLES = 8
"""So many of the first batch: enough that every layer is reached."""


class Checked(NamedTuple):
    """Why the spikes of a network are not verified, if they are not; what its neurons give; and notes."""

    doubt: str | None
    output: str
    notes: list[str]


def check(network: Network, case: Training, device: torch.device, *, train: bool) -> Checked:
    """Lets a network through the gate. Changes no weight and no draw.

    Args:
        train: whether gradients are compared too, on training samples; else spikes on test samples.

    Raises:
        WrongError: a layer disagrees with its reference.
    """
    module, was = network.module, network.module.training
    before = {
        name: value.clone() if isinstance(value, torch.Tensor) else deepcopy(value)
        for name, value in module.state_dict().items()
    }
    buffers = [(inner, name, own) for inner in module.modules() for name, own in inner._buffers.items()]
    unset = [(inner, name) for inner, name, own in buffers if own is None]
    split = "train" if train else "test"
    x = neurons.presented(case.neuron, next(case.batches(split, case.seed))[0][:, :SAMPLES]).to(device)
    set_lambda(network, case, case.recipe.epochs)  # of the neuron that the training ends with
    dtype = getattr(torch, case.recipe.precision)
    try:
        with torch.random.fork_rng():
            module.train(train)
            gradients = train and case.recipe.time != "detached"  # which are not those of the neuron
            gate = LayerGate(
                network, case.neuron, case.steps, gradients, case.seed, lambda: None, inference=False
            )  # fmt: skip
            with torch.autocast(device.type, dtype, enabled=case.recipe.precision != "float32"):
                reached = gate.reached(lambda: module(x))
            doubt, seen = gate.check_reached(reached), gate.seen
            output = seen.kind if case.neuron.is_plugin else neurons.output(case.neuron)
            return Checked(doubt, output, seen.notes(inference=True))
    finally:
        for inner, name in unset:  # else the state before would lack what the forward pass has set
            setattr(inner, name, None)
        weights.put(module, before)  # such as statistics of normalisation
        module.train(was)
