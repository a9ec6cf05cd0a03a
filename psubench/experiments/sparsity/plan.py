"""From options to the cases in which a network's operations are counted. No torch."""

from __future__ import annotations

from itertools import product

from psubench import data
from psubench.errors import PsubenchError
from psubench.experiments.sparsity.options import SparsityOptions
from psubench.experiments.speed.plan import LAYER, Meant, check_data, meant
from psubench.neurons import NeuronRef, parse_list
from psubench.runs.case import CHECKPOINT, Block, CountCase, Entry, check_planned

KIND = "sparsity"
UNTRAINED = "untrained"
EPOCHS = "epochs "
"""What the weights of a case begin with that is trained on the spot."""


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
    network, weights = meant(options.model, device), _weights(options)
    data_name = data.parse(options.data or network.real).name
    check_data(network.model, data_name)
    neurons = parse_list(options.neurons)
    Ts, batches = options.T or network.T, options.batch or network.batch
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
    return UNTRAINED if options.train_epochs is None else f"{EPOCHS}{options.train_epochs}"
