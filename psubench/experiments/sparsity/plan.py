"""From options to the cases in which a network's operations are counted. No torch."""

from __future__ import annotations

from itertools import product

from psubench import data, models
from psubench.errors import PsubenchError
from psubench.experiments.network_neurons import asked
from psubench.experiments.sparsity.options import SparsityOptions
from psubench.experiments.speed.plan import LAYER, Meant, check_data, meant
from psubench.neurons import NeuronRef
from psubench.runs.case import CHECKPOINT, Block, CountCase, Entry, check_planned

KIND = "sparsity"
UNTRAINED = "untrained"
AS_BUILT = "untrained, not calibrated"
LOADED = "set by the network's constructor"
EPOCHS = "epochs "
"""What the weights of a case are, or begin with when they are trained within the command."""


def count_blocks(options: SparsityOptions, device: str) -> list[Block]:
    """A block per neuron, T and batch, with every name checked; each is counted and recorded on its own.

    Args:
        options: data, T and batch that are None are those of the network.
        device: as `devices.resolve` gives it.

    Raises:
        PsubenchError: a name is unknown, model and data do not fit together, or weights are given twice.
    """
    if options.model.strip() == LAYER:
        raise PsubenchError(
            "model neuron: a layer of neurons has no synapses", 'give a network, such as "shd(depth=1)"'
        )
    network, weights = meant(options.model, device, spiking=options.spiking), _weights(options)
    data_name = data.parse(options.data or network.real).name
    check_data(network.model, data_name)
    Ts, batches = options.T or network.T, options.batch or network.batch
    neurons = asked(
        options.neurons, models.parse(network.model), data_name=data_name, T=Ts[0], batch=batches[0],
        device=device,
    )  # fmt: skip
    check_planned(len(Ts) * len(batches) * len(neurons))
    cases = [
        (_case(options, neuron, network, data_name, T, batch, device, weights), neuron)
        for T, batch, neuron in product(Ts, batches, neurons)
    ]
    return [Block((Entry(case, neuron),)) for case, neuron in cases]


def _case(
    options: SparsityOptions,
    neuron: NeuronRef,
    network: Meant,
    data_name: str,
    T: int,
    batch: int,
    device: str,
    weights: str,
) -> CountCase:
    return CountCase(
        kind=KIND, neuron=neuron.name, implementation=neuron.implementation, model=network.model,
        data=data_name, T=T, batch=batch, size=None, device=device, dtype=options.dtype,
        phase="infer", mode="layer", threads=options.threads,
        samples=options.samples, weights=weights, energy_model=options.energy_model,
        first_layer=options.first_layer, pooling=options.pooling,
    )  # fmt: skip


def _weights(options: SparsityOptions) -> str:
    """The origin of the weights, as in `CountCase.weights`."""
    if options.checkpoint is not None and options.train_epochs is not None:
        raise PsubenchError("a checkpoint and epochs of training both give weights", "keep one of the two")
    if options.checkpoint is not None:
        return f"{CHECKPOINT}{options.checkpoint}"
    if options.train_epochs is not None:
        return f"{EPOCHS}{options.train_epochs}"
    return UNTRAINED if options.calibrate else AS_BUILT
