"""What is measured: spiking neurons [T, B, *features] -> [T, B, *features], time first.

Importing this imports no torch; building a neuron does.
"""

from psubench.neurons.checks import check_input
from psubench.neurons.construct import build, build_reference, causal
from psubench.neurons.names import (
    OWN,
    NeuronRef,
    approximated,
    has_step,
    interchangeable,
    is_ann,
    output,
    parse,
    parse_list,
    presented,
    steps,
)
from psubench.neurons.spec import CHOICES, OUTPUTS, NeuronSpec
from psubench.neurons.table import BUILT, TABLE

OUTSIDE = "outside of the module: neuron "
"""What the name of a spiking layer begins with that its network calls but does not hold as a module."""

__all__ = [
    "BUILT",
    "CHOICES",
    "OUTPUTS",
    "OUTSIDE",
    "OWN",
    "TABLE",
    "NeuronRef",
    "NeuronSpec",
    "approximated",
    "build",
    "build_reference",
    "causal",
    "check_input",
    "has_step",
    "interchangeable",
    "is_ann",
    "output",
    "parse",
    "parse_list",
    "presented",
    "steps",
]
