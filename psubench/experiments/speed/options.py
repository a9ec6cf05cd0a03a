"""What `psubench speed` may be asked."""

from typing import Annotated, ClassVar

from msgspec import Meta

from psubench.experiments import notations as n
from psubench.experiments.axes import LONGEST_SECONDS, Calls, Processes, Reference
from psubench.experiments.option import Option

Precision = Annotated[
    float,
    Option("A block ends when its intervals are this narrow.", "PERCENT", n.SHARE, suite="settings"),
]
MaxSeconds = Annotated[
    float,
    Meta(ge=0.01, le=LONGEST_SECONDS),
    Option("A block ends after so many seconds of samples, per process.", "SECONDS", suite="settings"),
]
Memory = Annotated[bool, Option("Measure each case's peak memory after the timing.", suite="settings")]
Checkpoint = Annotated[
    str,
    Option(
        "Weights: a checkpoint, weights.safetensors, or a training's folder.",
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
