"""Notes on neurons of other libraries, on outputs that are not spikes, and on approximations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psubench import plugins
from psubench.neurons.foreign.table import library_of
from psubench.neurons.spec import OUTPUTS, NeuronSpec
from psubench.neurons.table import TABLE


def spec_of(neuron: str) -> NeuronSpec | None:
    """Of the text of a neuron; None for a plug-in, and for the neuron of another library."""
    return TABLE.get(plugins.parse_call(neuron)[0].partition("@")[0])


def marked(row: Any) -> str:
    """The label, with `(unverified)` where no reference has confirmed the spikes of a result."""
    doubted = row.status == "ok" and row.verified is False
    return f"{row.label} (unverified)" if doubted else str(row.label)


def lines(rows: Sequence[Any]) -> list[str]:
    """A sentence for every neuron of the rows that needs one.

    Args:
        rows: with `neuron`, `label` and `T`; `output`, what a plug-in gave; `mismatch`, the share of other
            outputs, where it is known.
    """
    said: dict[str, None] = {}
    shares: dict[str, dict[str, None]] = {}
    for row in rows:
        kind, given = plugins.parse_call(row.neuron)
        spec = spec_of(row.neuron)
        library = library_of(kind)
        if library is not None:
            said[f"{row.label} is the neuron of {library.name}, a {library.mode}"] = None
        if spec is None:  # of a plug-in it is known where it was measured
            if row.output not in (None, "spikes"):
                said[f"{row.label} gives {OUTPUTS[row.output]}"] = None
            continue
        if spec.ann:
            said[
                f"{row.label} is not a spiking neuron: its network runs once, on the mean of all steps (where"
                f" it is timed, on the first), and gives {OUTPUTS[spec.output]}; its SOPs are its MACs, with"
                " those of zeros"
            ] = None
        elif spec.output != "spikes":
            said[f"{row.label} gives {OUTPUTS[spec.output]}"] = None
        if spec.approximates is not None and row.mismatch is not None:
            K = given.get("K", spec.parameters["K"])
            text = f"{row.label}, K = {K}: its outputs differ from those of {spec.approximates} in"
            shares.setdefault(text, {})[f"{100 * row.mismatch:.1f} % at T = {row.T}"] = None
    return [*said, *(f"{text} {', '.join(found)}" for text, found in shares.items())]
