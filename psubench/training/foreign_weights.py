"""Weights that were trained elsewhere: a state_dict of torch, of DataParallel or DDP, or safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from psubench.errors import NOT_COMPARABLE, PsubenchError

_KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights")
"""Under which training scripts save a state_dict beside other things."""
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
"""Put before every name by DistributedDataParallel, torch.compile, and by wrappers of training scripts."""


def state_of(read: Any, path: Path) -> dict[str, Tensor]:
    """The state_dict in what a file holds.

    Raises:
        PsubenchError: there is none.
    """
    for state in (read, *(read.get(key) for key in _KEYS if isinstance(read, Mapping))):
        found = state.state_dict() if isinstance(state, nn.Module) else state
        if isinstance(found, Mapping) and any(isinstance(value, Tensor) for value in found.values()):
            return {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
    held = ", ".join(map(str, list(read)[:8])) if isinstance(read, Mapping) else type(read).__name__
    raise PsubenchError(
        f"{path} holds no weights: {held or 'nothing'}",
        "save the state_dict of the network with torch.save, or as safetensors",
        NOT_COMPARABLE,
    )


def fitting(state: Mapping[str, Tensor], module: nn.Module) -> Mapping[str, Tensor]:
    """A state_dict with the names of a network: without the prefix that a wrapper puts before all of them."""
    known = set(module.state_dict())
    found = dict(state)
    for _ in _PREFIXES:
        if found.keys() & known:
            return found
        for prefix in _PREFIXES:
            if all(name.startswith(prefix) for name in found):
                found = {name.removeprefix(prefix): value for name, value in found.items()}
                break
    return found
