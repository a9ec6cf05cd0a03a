"""Which modules of other libraries are spiking layers, and how each of them is called. Imports no library.

Known by their classes, of which a user's own may be derived.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


class Way(Enum):
    """How a spiking layer is called in a forward pass."""

    STEPS = "one step at a time, [B, ...]"
    TIME_FIRST = "all steps at once, [T, B, ...]"
    BATCH_FIRST = "all steps at once with the batch first, [B, T, ...]"
    MERGED = "steps and samples merged, [T*B, ...]"


_PLACES = (
    "spikingjelly.activation_based.neuron.",
    "snntorch._neurons.",
    "norse.torch.module.",
    "sinabs.layers.",
    "psubench.neurons.",
)
_BASES = {
    "spikingjelly": ("MemoryModule", "StepModule"),
    "snntorch": ("SpikingNeuron", "LeakyParallel"),
    "norse": ("SNN", "SNNCell", "SNNRecurrent", "SNNRecurrentCell"),
    "sinabs": ("StatefulLayer",),
    "psubench": ("Module",),
}
_SILENT = ("NonSpiking", "NoisyNonSpiking", "LICell", "LIBoxCell", "ExpLeak")
"""What the names of classes begin with whose output is a potential."""
_ALL_AT_ONCE = ("LeakyParallel", "StateLeaky", "AssociativeLeaky", "LinearLeaky")
_RESETS = {"spikingjelly": "reset", "sinabs": "reset_states"}


def library(layer: nn.Module) -> str | None:
    """The library whose spiking layer this is, or is derived from; None of any other module."""
    classes = type(layer).__mro__
    names = {cls.__name__ for cls in classes}
    if any(name.startswith(_SILENT) or name == "LI" for name in names):
        return None
    for cls in classes:
        if cls.__module__.startswith(_PLACES):
            root = cls.__module__.partition(".")[0]
            return root if names & set(_BASES[root]) else None
    return None


def way(layer: nn.Module) -> Way | None:
    """How a known spiking layer is to be called; None of one that is not known."""
    root, names = library(layer), {cls.__name__ for cls in type(layer).__mro__}
    match root:
        case "spikingjelly":
            single = "MultiStepModule" not in names and getattr(layer, "step_mode", "m") == "s"
            return Way.STEPS if single else Way.TIME_FIRST
        case "snntorch":
            return Way.TIME_FIRST if names & set(_ALL_AT_ONCE) else Way.STEPS
        case "norse":
            return Way.STEPS if names & {"SNNCell", "SNNRecurrentCell"} else Way.TIME_FIRST
        case "sinabs":
            squeezed = any(name.endswith("Squeeze") for name in names)
            return Way.MERGED if squeezed else Way.BATCH_FIRST
        case "psubench":
            return Way.TIME_FIRST
    return None


def reset_method(layer: nn.Module) -> str | None:
    """The method by which the library of a module puts its state back; None where it has none."""
    roots = {cls.__module__.partition(".")[0] for cls in type(layer).__mro__}
    for root, method in _RESETS.items():
        if root in roots and callable(getattr(layer, method, None)):
            return method
    return None
