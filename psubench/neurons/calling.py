"""How a neuron is called while it is checked and measured: its mode, and the random numbers that it draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor


def grad_mode(*, train: bool, inference: bool) -> AbstractContextManager[object]:
    """The mode in which a module is called: with gradients, in inference mode, or under `no_grad`."""
    return torch.inference_mode(not train) if inference or train else _without_gradients()


@contextmanager
def _without_gradients() -> Iterator[None]:
    with torch.inference_mode(False), torch.no_grad():
        yield


def set_seed(number: int) -> None:
    """Seeds the generators that modules draw from, as `torch.manual_seed` does for the CPU and CUDA.

    That function queues a call with the trace of its caller for every kind of device that has not been
    used so far, which takes far longer than a call of a small neuron.
    """
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(number)


def random_state(device: torch.device) -> Tensor:
    """The state of the generator that a module on the device draws from."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()
