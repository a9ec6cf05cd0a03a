"""What a neuron gives: its spikes, alone or before its state, and whether they are spikes at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SEVERAL = "it gives several values, of which the first is taken for its spikes"
NO_INFERENCE = "it does not run in inference mode, so that it was checked and measured under no_grad"


def spikes_of(output: Any) -> Any:
    """The spikes in what a neuron gives: all of it, or the first element of a tuple or list."""
    return output[0] if isinstance(output, tuple | list) and output else output


@dataclass
class Seen:
    """What the outputs of a neuron have been so far.

    Attributes:
        several: whether the spikes came in a tuple or list.
        whole: whether all were whole numbers.
        negative, large: whether one was below 0, or one's size above 1.
    """

    several: bool = False
    whole: bool = True
    negative: bool = False
    large: bool = False

    def add(self, output: Any) -> None:
        """Looks at an output as the neuron gave it."""
        spikes: Tensor = spikes_of(output)
        self.several |= spikes is not output
        values = spikes.detach()
        self.negative |= bool((values < 0).any())
        self.large |= bool((values.abs() > 1).any())
        self.whole = self.whole and bool((values == values.round()).all())

    @property
    def kind(self) -> str:
        """One of `spec.OUTPUTS`."""
        if not self.whole or (self.negative and self.large):
            return "analog"
        if self.negative:
            return "ternary"
        return "counts" if self.large else "spikes"

    def notes(self, *, inference: bool) -> list[str]:
        """What must be said of how a neuron was measured.

        Args:
            inference: whether it was in inference mode, or in training; else under `no_grad`.
        """
        return [*([SEVERAL] if self.several else []), *([] if inference else [NO_INFERENCE])]
