"""What is measured: spiking neurons [T, B, *features] -> [T, B, *features], time first.

Importing this imports no torch; building a neuron does.
"""

from psubench.neurons.checks import check_input
from psubench.neurons.construct import build, build_reference, causal
from psubench.neurons.names import (
    NeuronRef,
    approximated,
    has_step,
    interchangeable,
    output,
    parse,
    parse_list,
)
from psubench.neurons.spec import CHOICES, OUTPUTS, NeuronSpec
from psubench.neurons.table import BUILT, TABLE

__all__ = [
    "BUILT",
    "CHOICES",
    "OUTPUTS",
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
    "output",
    "parse",
    "parse_list",
]
