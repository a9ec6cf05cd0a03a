"""How much a network fires and computes: exact counts, the work of its neurons, estimates of energy.

Importing this imports no torch; `psubench.activity.counter` does.
"""

from psubench.activity.counts import LayerCounts

__all__ = ["LayerCounts"]
