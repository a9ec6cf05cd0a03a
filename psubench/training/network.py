"""The network of a training, freshly initialised from its seed."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from psubench import data, models, neurons
from psubench.training import augment, time_probe
from psubench.training.case import Training

if TYPE_CHECKING:
    from psubench.models import Network


def network_of(case: Training) -> Network:
    """Builds the network; its weights depend on the seed alone.

    Raises:
        PsubenchError: network, data and recipe do not fit.
    """
    step_shape, classes = data.shape(case.data, case.T, batch=case.recipe.batch)
    augment.check(case.recipe.augment, step_shape, case.data.name)
    input_shape = models.shape_for(case.model, step_shape, case.data.name)
    torch.manual_seed(case.seed)
    make = None if case.neuron.kind == neurons.OWN else lambda: _spiking(case)
    return models.build(case.model, make, case.steps, input_shape, classes)


def _spiking(case: Training) -> nn.Module:
    """One spiking layer, which computes in float32 whatever the precision of the synaptic layers.

    Its forward is replaced rather than wrapped in another module, which would rename its weights.
    """
    layer = neurons.build(case.neuron, case.steps)
    if not time_probe.detach(case, layer) and case.recipe.precision != "float32":
        # Bound to the layer, so that a deep copy of it gets a forward of its own.
        layer.forward = types.MethodType(_in_float32, layer)
    return layer


def _in_float32(layer: nn.Module, x: Tensor, *more: object) -> object:
    with torch.autocast(x.device.type, enabled=False):
        return type(layer).forward(layer, x.float(), *more)


def set_lambda(network: Network, case: Training, epoch: int) -> None:
    """Sets λ of the masked PSNs in an epoch, from 0: it rises in equal steps and then stays 1."""
    if case.neuron.kind == "masked-psn" and "lam" not in dict(case.neuron.parameters):
        value = lambda_at(epoch, case.recipe.epochs, case.recipe.lambda_share)
        for layer in network.spiking.values():
            layer.lambda_ = value  # type: ignore[assignment]


def lambda_at(epoch: int, epochs: int, share: float) -> float:
    """λ = min(1, epoch / (share epochs)), and 1 in the last epoch, so that evaluation is causal."""
    rising = share * epochs
    return 1.0 if epoch >= min(rising, epochs - 1) else epoch / rising
