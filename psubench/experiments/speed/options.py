"""Options of `psubench speed`."""

from typing import Annotated, ClassVar

from msgspec import Meta

from psubench.experiments import notations as n
from psubench.experiments.axes import LONGEST_SECONDS, Calls, Processes, Reference
from psubench.experiments.option import Option

Precision = Annotated[
    float,
    Option("Width of the intervals at which a block ends.", "PERCENT", n.SHARE, suite="settings"),
]
MaxSeconds = Annotated[
    float,
    Meta(ge=0.01, le=LONGEST_SECONDS),
    Option("Seconds of samples after which a block ends, per process.", "SECONDS", suite="settings"),
]
Memory = Annotated[
    bool, Option("Measure each case's peak memory and count its work after timing.", suite="settings")
]
Checkpoint = Annotated[
    str,
    Option(
        "Weights: a checkpoint, weights.safetensors, or the folder of a training.",
        "PATH",
        n.PATH,
        suite="settings",
    ),
]


class SpeedOptions(Calls, frozen=True, kw_only=True):
    """Times of training and inference, and their ratio to the reference."""

    layer_steps: ClassVar[tuple[int, ...]] = (4, 8, 16, 32, 64, 128)

    reference: Reference = "lif"
    processes: Processes = 5
    precision: Precision = 0.02
    max_seconds: MaxSeconds = 1.5
    memory: Memory = True
    checkpoint: Checkpoint | None = None
