"""What is measured: spiking neurons [T, B, *features] -> [T, B, *features], time first.

Importing this imports no torch; building a neuron does.
"""

from psubench.neurons.checks import check_input
from psubench.neurons.names import NeuronRef, build, build_reference, causal, has_step, parse, parse_list
from psubench.neurons.table import BUILT, CHOICES, TABLE, NeuronSpec

OUTSIDE = "outside of the module: neuron "
"""What the name of a spiking layer begins with that its network calls but does not hold as a module."""

__all__ = [
    "BUILT",
    "CHOICES",
    "OUTSIDE",
    "TABLE",
    "NeuronRef",
    "NeuronSpec",
    "build",
    "build_reference",
    "causal",
    "check_input",
    "has_step",
    "parse",
    "parse_list",
]
