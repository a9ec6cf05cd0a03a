"""The entries of the table of neurons. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Default = bool | int | float | str

# A parameter means the same in every neuron that has it.
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "reset": ("soft", "hard"),
        "init": ("kaiming", "leak"),
        "estimate": ("sigmoid", "membrane", "input"),
        "gradient": ("straight", "scaled"),
    }
)

LONG = 256
"""Above this many steps lif@decoupled convolves by the FFT; up to it, a matrix product is faster."""

OUTPUTS: Mapping[str, str] = MappingProxyType(
    {
        "spikes": "0 and 1",
        "counts": "counts 0..D, not single spikes: a count of c is c events",
        "ternary": "-1, 0 and 1: spikes of both signs",
        "levels": "levels 0..levels-1 of a quantised value, not spikes, so that it has no firing rate",
        "analog": "values other than spikes, so that it has no firing rate",
    }
)
"""What a neuron can output, and its description."""


@dataclass(frozen=True)
class NeuronSpec:
    """What psubench knows about one neuron.

    Attributes:
        name: as the command line takes it.
        equation: one line; x input current, S spikes, V membrane potential, H step, σ logistic function,
            β = 1 - 1/τ, ∘ elementwise product, M lower-triangular mask.
        parameters: names and defaults of constructor arguments; choices are listed in `CHOICES`.
        learnable: what training changes.
        causal: whether S[t] depends on x[0..t] only, with the default parameters.
        fixed_T: whether it is built for one number of time steps.
        relation: to the LIF neuron.
        source: where it was published.
        implementations: name to "module:Class"; the first is the default.
        reference: "module:Class" of the slow float64 reference.
        output: what it outputs, one of `OUTPUTS`.
        per_channel: whether its parameters differ from channel to channel, so that they get their shapes at
            its first call, and traces of one channel cannot stand for another.
        causal_in_training: whether `causal` holds while it trains too; a batch norm inside sees all steps.
        approximates: the neuron that it approximates; the share of differing outputs is shown where it is
            measured.
        ann: whether it is the activation of an artificial neural network, which has no time, rather than a
            spiking neuron: whatever T a case has, it is run for one step.
        written: as papers write its name, where that is not the name in capitals.
    """

    name: str
    equation: str
    parameters: Mapping[str, Default]
    learnable: str
    causal: bool
    fixed_T: bool  # noqa: N815
    relation: str
    source: str
    implementations: Mapping[str, str]
    reference: str
    output: str = "spikes"
    per_channel: bool = False
    causal_in_training: bool = True
    approximates: str | None = None
    ann: bool = False
    written: str = ""

    @property
    def default(self) -> str:
        """Name of the default implementation."""
        return next(iter(self.implementations))
