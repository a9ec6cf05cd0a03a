"""What is known about the weights that no counted operation has used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """Result of `psubench.sops.last_check`.

    Attributes:
        hidden: layers, with the reason why they are incomplete.
        without_effect: names of parameters and buffers that change nothing, so that nothing is missing.
    """

    hidden: Mapping[str, str]
    without_effect: frozenset[str]

    @property
    def unchecked(self) -> bool:
        """Whether the network could not be run for the check."""
        return WHOLE in self.hidden


WHOLE = "network"
"""Name for findings that do not concern a single layer."""
ASSUMED = Verdict({}, frozenset())
"""No check was run: a weight that was not used counts as missing."""
