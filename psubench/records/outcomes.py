"""The outcome of one case, for all kinds of runs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from psubench.records.bounds import Amount, Count, Output, Positive, Status
from psubench.records.failures import classify


class Outcome(Struct, kw_only=True):
    """How a case ended, or its state while it is measured.

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
    """A label that names the outputs of a neuron if they are not spikes, as those of built-in neurons do."""
    named = output in (None, "spikes") or label.endswith((f"[{output}]", f", {output}]"))
    return label if named else f"{label} [{output}]"


class Spikes(Struct, frozen=True, kw_only=True):
    """Spikes of a neuron on the input of its case; for one with other outputs, those that are not 0."""

    spikes: Count
    neuron_steps: Positive
    spike_hash: str


class Compilation(Struct, kw_only=True):
    """Graphs of a compiled neuron, and how many were recompiled while it was timed."""

    graphs: Count
    graph_breaks: Count
    seconds: Annotated[Amount | None, Meta(description="until it was ready")] = None
    recompiles: Annotated[Count, Meta(description="while it was timed")] = 0


class GatedOutcome(Outcome, kw_only=True):
    """The outcome of a case that went through the gate.

    Attributes:
        verified: whether a reference has confirmed its spikes; None if it was not checked.
        doubt: why no reference has confirmed them, if none has.
        activity: None if it did not pass.
        mismatch: of a neuron that tends to another one, the share of its outputs that differ.
        output: kind of its outputs on its input; None if there were none.
        notes: further remarks on how it was measured, as clauses.
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
        """The outcome of a case with which nothing has gone wrong so far."""
        return cls(key=key, neuron=neuron, status="ok", message=None, verified=None, activity=None)

    def fail(self, error: BaseException) -> None:
        """As for any case; only a wrong case is known not to be verified."""
        super().fail(error)
        self.verified = False if self.status == "wrong" else None
