"""Operations of a trained network, counted on the test split, and an estimate of its energy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from psubench import neurons
from psubench.models import Network
from psubench.neurons.operations import dynamics
from psubench.records.bounds import NO_SPIKES
from psubench.sops import energy_models
from psubench.sops.network import count
from psubench.sops.rows import Pricing, layer_rows, without_spikes
from psubench.sops.work import FIRST_LAYER, POOLING
from psubench.training.case import Training
from psubench.training.time_probe import presented

ENERGY_MODEL = "horowitz45-fp32"
_KEPT = (
    "n_samples",
    "sop_eff",
    "sop_unit",
    "sop_graded",
    "energy_pj",
    "synapse_energy_pj",
    "dynamics_energy_pj",
    "spike_energy_pj",
)


def counted(network: Network, case: Training, output: str, device: torch.device) -> dict[str, Any]:
    """Totals over `n_samples` samples, one pass each; None if something could not be counted.

    Args:
        output: what its neurons give.

    Returns:
        Synaptic operations and estimates of energy as in the total row of `psubench sparsity`, with the
        name and source of the energy model and the policies.
    """
    model = energy_models.parse(ENERGY_MODEL)
    pricing = Pricing(model, FIRST_LAYER[0], POOLING[0])
    network.module.eval()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(case.seed)  # of neurons that draw their spikes
        layers = count(
            network.module, network.spiking, _inputs(case, device),
            fold=pricing.pooling == "fold", counting=output == "counts",
            ann=neurons.is_ann(case.neuron), inference=False,
        )  # fmt: skip
    rows = layer_rows(layers, dynamics(case.neuron, case.steps), case.steps, pricing)
    total = without_spikes(rows[-1]) if output in NO_SPIKES else rows[-1]
    policy = pricing.policy
    return {
        **{name: total[name] for name in _KEPT},
        "energy_model": model.name,
        "source": model.source,
        "policy": policy,
    }


def _inputs(case: Training, device: torch.device) -> Iterator[Tensor]:
    for x, _ in case.batches("test", case.seed):
        yield presented(case, x).to(device)
