"""What is known of the weights that no counted operation has met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """What `psubench.activity.last_check` has found.

    Attributes:
        hidden: layers with the reason for which they are incomplete.
        without_effect: names of parameters and buffers that change nothing, so that nothing is missing.
    """

    hidden: Mapping[str, str]
    without_effect: frozenset[str]

    @property
    def unchecked(self) -> bool:
        """Whether the network could not be run for it."""
        return WHOLE in self.hidden


WHOLE = "network"
"""The layer of what concerns no single one."""
ASSUMED = Verdict({}, frozenset())
"""Nobody has looked: a weight that was not met is missing."""
