"""How much a network fires and computes: exact counts, the work of its neurons, estimates of energy.

Importing this imports no torch; `psubench.sops.counter` does.
"""

from psubench.sops.layer_counts import LayerCounts

__all__ = ["LayerCounts"]
