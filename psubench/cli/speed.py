"""`psubench speed`: time of inference and training, and the time ratio to the reference."""

from __future__ import annotations

from psubench.cli.execute import Output, run
from psubench.cli.signature import takes
from psubench.experiments.read_options import Given
from psubench.experiments.speed.options import SpeedOptions


@takes(SpeedOptions)
def speed(given: dict[str, Given], output: Output) -> None:
    """Times neurons side by side, over T, batch and size, in training and inference.

    Example: psubench speed --model "vggsnn(width=0.25)" --T 4,10 --mode layer,step
    """
    run("speed", given, output)
