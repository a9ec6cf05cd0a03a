"""What became of one case, whatever was asked of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from psubench.records.bounds import Amount, Count, Output, Positive, Status
from psubench.records.failures import classify


class Outcome(Struct, kw_only=True):
    """How a case ended, or stands while it is at work.

    Attributes:
        key: of the case.
        neuron: its name in the block: the neuron's text, and the mode where it is not "layer".
        message: one line about a status that is not ok.
    """

    key: str
    neuron: str
    status: Status
    message: str | None

    def fail(self, error: BaseException) -> None:
        """Turns whatever a neuron raised into a status and one line."""
        self.status, self.message = classify(error)


def labelled(label: str, output: str | None) -> str:
    """A label that names what a neuron gives where that is no spikes; those of built-in neurons do."""
    named = output in (None, "spikes") or label.endswith(f"[{output}]")
    return label if named else f"{label} [{output}]"


class Spikes(Struct, frozen=True, kw_only=True):
    """What a neuron fires on the input of its case; of one that gives no spikes, outputs that are not 0."""

    spikes: Count
    neuron_steps: Positive
    spike_hash: str


class Compilation(Struct, kw_only=True):
    """Of a compiled neuron: its graphs, and those that were made anew while it was timed."""

    graphs: Count
    graph_breaks: Count
    seconds: Annotated[Amount | None, Meta(description="until it was ready")] = None
    recompiles: Annotated[Count, Meta(description="while it was timed")] = 0


class GatedOutcome(Outcome, kw_only=True):
    """Of a case that went through the gate.

    Attributes:
        verified: whether a reference has confirmed its spikes; None if it was not asked.
        doubt: why no reference has confirmed them, where none has.
        activity: None if it did not pass.
        mismatch: of a neuron that tends to another one, the share of its outputs that differ.
        output: what it gave on its input; None where nothing was seen.
        notes: what else must be said of how it was measured, in clauses.
    """

    verified: bool | None
    activity: Spikes | None
    doubt: str | None = None
    compile: Compilation | None = None
    mismatch: Amount | None = None
    output: Output | None = None
    notes: list[str] = []

    @classmethod
    def begun(cls, key: str, neuron: str) -> GatedOutcome:
        """That of a case that nothing has gone wrong with so far."""
        return cls(key=key, neuron=neuron, status="ok", message=None, verified=None, activity=None)

    def fail(self, error: BaseException) -> None:
        """As of any case; only a wrong one is known not to be verified."""
        super().fail(error)
        self.verified = False if self.status == "wrong" else None
