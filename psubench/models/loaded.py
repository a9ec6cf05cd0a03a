"""Has a plug-in loaded weights when it was constructed? Asked of the network, whatever file they came from.

What is drawn differs from one construction to the next; what is loaded does not. Statistics of normalisation
begin at 0 and 1, and only training moves them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from psubench.models.network import Network


def loads_weights(network: Network, again: Callable[[], Network], seed: int) -> bool:
    """Whether some weights or statistics of a network are not freshly drawn ones.

    Args:
        network: as constructed, before anything was calibrated or loaded into it.
        again: constructs it once more.
        seed: with which it was constructed.
    """
    if any(_trained(part) for part in network.module.modules()):
        return True
    with torch.random.fork_rng(), _other_seeds():
        torch.manual_seed(seed)
        other = again()
    theirs = dict(_matrices(other))
    return any(
        name in theirs and theirs[name].shape == value.shape and torch.equal(theirs[name], value)
        for name, value in _matrices(network)
    )


def _trained(part: nn.Module) -> bool:
    """Whether a layer has statistics that some batch has left."""
    if not isinstance(part, _NormBase) or not part.track_running_stats:
        return False
    mean, var, seen = part.running_mean, part.running_var, part.num_batches_tracked
    return bool(
        (mean is not None and mean.any())
        or (var is not None and (var != 1).any())
        or (seen is not None and seen > 0)
    )


def _matrices(network: Network) -> Iterator[tuple[str, Tensor]]:
    """Weights of two or more dimensions outside of neurons that no constant fills, by name."""
    inside = {id(p) for layer in network.spiking.values() for p in layer.parameters()}
    for name, value in network.module.named_parameters():
        flat = value.detach().flatten()
        if id(value) not in inside and value.dim() >= 2 and len(flat) and bool((flat != flat[0]).any()):
            yield name, value.detach().cpu()


@contextmanager
def _other_seeds() -> Iterator[None]:
    """Whoever seeds torch's generator inside, a constructor too, gets another seed."""
    original, place = torch.manual_seed, vars(torch)

    def other(seed: Any) -> torch.Generator:
        return original(int(seed) ^ 1)

    place["manual_seed"] = other
    try:
        yield
    finally:
        place["manual_seed"] = original
