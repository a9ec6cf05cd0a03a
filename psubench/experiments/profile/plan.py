"""From options to the cases of a profile. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psubench.errors import PsubenchError
from psubench.experiments.profile.options import ProfileOptions
from psubench.experiments.speed.plan import speed_blocks
from psubench.neurons import parse_list
from psubench.runs.case import Block

KIND = "profile"
CALLS = 3
"""Number of calls that are recorded, one after the other."""
TRACES = "traces"
"""Folder of the traces within that of the run: one folder per neuron, which TensorBoard shows as a run."""


@dataclass(frozen=True)
class ProfileBlock(Block):
    """One neuron in one mode."""

    @property
    def title(self) -> str:
        """One short line; only the neuron distinguishes it from the other blocks."""
        return f"{self.entries[0].label}, {super().title}"


def profile_blocks(options: ProfileOptions, device: str) -> list[Block]:
    """A block for every neuron and mode, with every name checked; each is recorded on its own.

    Raises:
        PsubenchError: a name is unknown, names do not fit together, or an axis has several values.
    """
    if device == "scripted":
        raise PsubenchError("device scripted runs nothing that can be profiled", "use --device cpu or cuda")
    axes: dict[str, Sequence[object] | None] = {
        "T": options.T, "batch": options.batch, "size": options.size, "phase": options.phase,
    }  # fmt: skip
    for name, values in axes.items():
        if values and len(values) > 1:
            raise PsubenchError(
                f'{name} "{",".join(map(str, values))}" has {len(values)} values, and a profile is of one',
                f"write for example --{name} {values[0]}",
            )
    first = parse_list(options.neurons)[0].text
    blocks = speed_blocks(options, first, device, kind=KIND)
    return [ProfileBlock((entry,)) for block in blocks for entry in block.entries]
