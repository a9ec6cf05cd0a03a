"""The spikes in what a neuron gives."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from psubench.errors import WrongError


def spikes_of(output: Any) -> Tensor:
    """The spikes: the output itself, or the first of (spikes, state).

    Raises:
        WrongError: there is no tensor.
    """
    found = output[0] if isinstance(output, tuple | list) and output else output
    if not isinstance(found, Tensor):
        raise WrongError(f"returns {type(found).__name__} where a tensor of spikes is due")
    return found
