"""From the words of the command line to the cases of a profile. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psubench.errors import PsubenchError
from psubench.neurons import parse_list
from psubench.plan import SPEED, speed_blocks
from psubench.suite import Block

KIND = "profile"
CALLS = 3
"""That are recorded, one after the other."""
TRACES = "traces"
"""Folder of the traces in that of a run: a folder per neuron, which TensorBoard takes for a run each."""
LAYER_T = "32"
"""Of one layer; a network has its own."""
_ONE = ("T", "batch", "size", "phase")


@dataclass(frozen=True)
class ProfileBlock(Block):
    """One neuron in one mode."""

    @property
    def title(self) -> str:
        """Names the neuron too, which alone tells it from the others."""
        return f"{self.entries[0].label}, {super().title}"


def profile_blocks(words: Mapping[str, str | None], device: str, threads: int) -> list[Block]:
    """A block for every neuron and mode, with every name checked; each is recorded on its own.

    Args:
        words: options of `profile` and their texts, as for `plan.speed_blocks`.

    Raises:
        PsubenchError: a word means nothing, names do not fit together, or an axis has several values.
    """
    neurons = parse_list(words["neurons"] or str(SPEED["neurons"]))
    given = {**words, "reference": neurons[0].text}
    if given["T"] is None and (given["model"] or "").strip() == "neuron":
        given["T"] = LAYER_T
    if device == "scripted":
        raise PsubenchError(
            "device scripted runs nothing that could be profiled", "give --device cpu or cuda"
        )
    blocks = speed_blocks(given, device, threads, kind=KIND)
    for name in _ONE:
        values = list(dict.fromkeys(getattr(block.case, name) for block in blocks))
        if len(values) > 1:
            raise PsubenchError(
                f'--{name} "{words[name]}" has {len(values)} values, and a profile is of one',
                f"write for example --{name} {values[0]}",
            )
    return [ProfileBlock((entry,)) for block in blocks for entry in block.entries]
