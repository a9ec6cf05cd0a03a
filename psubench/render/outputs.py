"""What must be said of neurons whose output is no spike, or that only tend to another neuron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psubench.neurons.names import approximated, output, parse
from psubench.neurons.spec import OUTPUTS


def lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for every neuron of the rows that needs one.

    Args:
        rows: with `neuron`, `label` and `T`; `output`, what a plug-in gave; `mismatch`, the share of other
            outputs, where it is known.
    """
    said: dict[str, None] = {}
    shares: dict[str, dict[str, None]] = {}
    for row in rows:
        if ":" in row["neuron"]:  # of a plug-in it is known where it was measured
            if row.get("output") not in (None, "spikes"):
                said[f"{row['label']} gives {OUTPUTS[row['output']]}"] = None
            continue
        ref = parse(row["neuron"])
        if output(ref) != "spikes":
            said[f"{row['label']} gives {OUTPUTS[output(ref)]}"] = None
        twin, share = approximated(ref), row.get("mismatch")
        if twin is not None and share is not None:
            K = {"K": 3, **dict(ref.parameters)}["K"]
            text = f"{row['label']}, K = {K}: its outputs differ from those of {twin.label} in"
            shares.setdefault(text, {})[f"{100 * share:.1f} % at T = {row['T']}"] = None
    return [*said, *(f"{text} {', '.join(found)}" for text, found in shares.items())]
