"""Spikes and operations of a network: exact counts, neuron dynamics, estimates of energy.

Importing this imports no torch; `psubench.sops.counter` does.
"""

from psubench.sops.layer_counts import LayerCounts

__all__ = ["LayerCounts"]
