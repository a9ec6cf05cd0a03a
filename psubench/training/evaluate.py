"""Accuracy of a network on a split, and the spikes of its neurons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from psubench import neurons
from psubench.models import Network
from psubench.models.spikes import listening
from psubench.training.case import Training
from psubench.training.distributed import Group
from psubench.training.recipe import Recipe
from psubench.training.time_probe import presented

_STREAM = 7919  # of the draws of stochastic neurons in evaluation


@dataclass
class Spikes:
    """Integer totals per spiking layer: its spikes, and its neurons times steps times samples."""

    spikes: dict[str, int] = field(default_factory=dict)
    neuron_steps: dict[str, int] = field(default_factory=dict)

    def add(self, layer: str, out: Tensor) -> None:
        """Counts the output of a layer, [T, B, *]."""
        self.spikes[layer] = self.spikes.get(layer, 0) + int(out.count_nonzero())
        self.neuron_steps[layer] = self.neuron_steps.get(layer, 0) + out.numel()


@contextmanager
def counted(spiking: Mapping[str, nn.Module]) -> Iterator[Spikes]:
    """Counts the spikes of every layer while inside."""
    found = Spikes()
    with listening(spiking, lambda name, _, spikes: found.add(name, spikes)):
        yield found


def tested(network: Network, case: Training, group: Group, device: torch.device) -> dict[str, Any]:
    """Accuracy on the test split, and the spikes of every layer.

    The draws of a stochastic neuron come from a separate generator, so that evaluation does not affect the
    training, and evaluating twice gives the same result.

    Returns:
        `correct` and `samples`, `spikes` and `neuron_steps` per layer (over every pass of a stochastic
        neuron), and `firing_rate`, None where nothing fires.
    """
    passes = case.recipe.eval_samples if stochastic(case) else 1
    totals = torch.zeros(2, dtype=torch.int64)
    network.module.eval()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.no_grad(), counted(network.spiking) as found:
        torch.manual_seed(case.seed + _STREAM + group.rank)
        for whole in case.batches("test", case.seed):
            x, labels = group.share(*whole)
            if len(labels):
                x = presented(case, x)
                logits = mean_logits(network.module, x.to(device), case.recipe, passes)
                totals[0] += (logits.argmax(1) == labels.to(device)).sum().cpu()
                totals[1] += len(labels)
    sums = _totals(totals, found, network, group)
    return {**sums, "firing_rate": None} if neurons.is_ann(case.neuron) else sums


def stochastic(case: Training) -> bool:
    """Whether the neuron draws its spikes."""
    return case.neuron.kind == "spsn"


def mean_logits(module: nn.Module, x: Tensor, recipe: Recipe, passes: int) -> Tensor:
    """Logits [B, classes] for x [T, B, *], the mean over `passes` passes."""
    kind, dtype = x.device.type, getattr(torch, recipe.precision)
    with torch.autocast(kind, dtype, enabled=recipe.precision != "float32"):
        logits = torch.stack([module(x).float() for _ in range(passes)])
    return logits.mean(0)


def _totals(totals: Tensor, found: Spikes, network: Network, group: Group) -> dict[str, Any]:
    names = list(network.spiking)
    counts = [[found.spikes.get(n, 0), found.neuron_steps.get(n, 0)] for n in names]
    every = group.sums(torch.cat([totals, torch.tensor(counts, dtype=torch.int64).flatten()])).tolist()
    spikes, steps = every[2::2], every[3::2]
    return {
        "correct": every[0],
        "samples": every[1],
        "spikes": dict(zip(names, spikes, strict=True)),
        "neuron_steps": dict(zip(names, steps, strict=True)),
        "firing_rate": sum(spikes) / sum(steps) if sum(steps) else None,
    }
