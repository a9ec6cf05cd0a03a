"""Several processes train one network: torchrun starts them, DistributedDataParallel joins their gradients.

Every process reads each whole batch, in the same seeded order, and takes its share: the batch of the
recipe is the batch of all of them together.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from psubench.errors import PsubenchError
from psubench.training.torchrun import launched


@dataclass(frozen=True)
class Group:
    """The processes that train together.

    Attributes:
        rank: number of this one; only 0 writes files.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def share(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """This process's part of a batch, x [T, B, *] and labels [B]; may be empty."""
        return x[:, self.rank :: self.size], labels[self.rank :: self.size]

    def sums(self, values: Tensor) -> Tensor:
        """The sum of the values of all processes, the same in each of them."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def gathered(self, value: Any) -> list[Any]:
        """The values of all processes, by rank."""
        values: list[Any] = [None] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value)
            return values
        return [value]

    def from_first(self, value: Any) -> Any:
        """The value of the first process."""
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values)
        return values[0]

    def wrapped(self, network: nn.Module, device: torch.device) -> nn.Module:
        """The network with averaged gradients; on a GPU normalisation statistics are synchronised too."""
        if self.size == 1:
            return network
        if device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        ids = [device.index] if device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(network, device_ids=ids)


@contextmanager
def group(device: str) -> Iterator[tuple[Group, str]]:
    """Joins the processes that torchrun has started; a process alone is a group of one.

    Args:
        device: as `resolve` gives it.

    Yields:
        The group, and the device of this process.
    """
    if not launched():
        yield Group(), device
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device.startswith("cuda"):
        gpus = torch.cuda.device_count()
        if local >= gpus:
            raise PsubenchError(
                f"process {local} of this machine has no GPU of its own: there are {gpus}",
                "start as many processes as GPUs with --nproc_per_node",
            )
        device = f"cuda:{local}"
        torch.cuda.set_device(local)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Group(dist.get_rank(), dist.get_world_size()), device
    finally:
        dist.destroy_process_group()


def inner(network: nn.Module) -> nn.Module:
    """The network as it was before `Group.wrapped`."""
    if isinstance(network, nn.parallel.DistributedDataParallel):
        return cast(nn.Module, network.module)
    return network
