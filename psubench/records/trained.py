"""Records of trainings: an epoch, and the end."""

from __future__ import annotations

from msgspec import Struct

from psubench.records.bounds import AboveZero, Amount, Count, Number, Output, Positive, Status, Tally


class Tested(Struct, frozen=True, kw_only=True):
    """Evaluation on the test split: predictions, and the spikes of every layer over all passes."""

    correct: Count
    samples: Positive
    spikes: dict[str, Count]
    neuron_steps: dict[str, Count]
    firing_rate: Tally | None


class Epoch(Struct, frozen=True, kw_only=True, tag_field="type", tag="training"):
    """One epoch of a training: means over its samples, and the evaluation on the test split after it."""

    key: str
    epoch: Positive
    loss: Number
    accuracy: Amount
    samples: Count
    seconds: AboveZero
    data_seconds: Amount
    learning_rate: Amount | None = None
    test: Tested


class Work(Struct, frozen=True, kw_only=True):
    """What the trained network computes: totals over `n_samples` samples; None is unknown.

    Attributes:
        spike_energy_pj: the part of `energy_pj` that grows with the firing rate.
    """

    n_samples: Count | None
    sop_eff: Tally | None
    sop_unit: Tally | None = None
    sop_graded: Tally | None = None
    energy_pj: Tally | None
    synapse_energy_pj: Tally | None = None
    dynamics_energy_pj: Tally | None
    spike_energy_pj: Tally | None = None
    energy_model: str
    source: str | None = None
    policy: str


class Trained(Struct, frozen=True, kw_only=True, tag_field="type", tag="trained"):
    """The end of a training.

    Attributes:
        test: with the weights of the last epoch.
        parameters: number of values that the optimizer changes.
        verified: whether the neuron's reference has confirmed the spikes of the trained network.
        doubt: why it has not.
        output: kind of the outputs of the trained network's neurons.
        notes: further remarks on how it was evaluated, as clauses.
    """

    key: str
    status: Status
    message: str | None
    test: Tested | None
    activity: Work | None = None
    peak_memory_bytes: Count | None
    parameters: Count | None
    verified: bool | None = None
    doubt: str | None = None
    output: Output | None = None
    notes: list[str] = []

    def __post_init__(self) -> None:
        if self.status == "ok" and self.test is None:
            raise ValueError("test is null, though the training is ok")
