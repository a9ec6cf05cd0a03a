"""What must be said of neurons whose output is no spike, or that only tend to another neuron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psubench import plugins
from psubench.neurons.spec import OUTPUTS
from psubench.neurons.table import TABLE


def lines(rows: Sequence[Any]) -> list[str]:
    """A sentence for every neuron of the rows that needs one.

    Args:
        rows: with `neuron`, `label`, `T` and `mismatch`, the share of other outputs where it is known.
    """
    said: dict[str, None] = {}
    shares: dict[str, dict[str, None]] = {}
    for row in rows:
        kind, given = plugins.parse_call(row.neuron)
        spec = TABLE.get(kind.partition("@")[0])
        if spec is None:
            continue  # a plug-in
        if spec.output != "spikes":
            said[f"{row.label} gives {OUTPUTS[spec.output]}"] = None
        if spec.approximates is not None and row.mismatch is not None:
            K = given.get("K", spec.parameters["K"])
            text = f"{row.label}, K = {K}: its outputs differ from those of {spec.approximates} in"
            shares.setdefault(text, {})[f"{100 * row.mismatch:.1f} % at T = {row.T}"] = None
    return [*said, *(f"{text} {', '.join(found)}" for text, found in shares.items())]
