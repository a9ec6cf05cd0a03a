"""`psubench speed`: time of inference and training, and the time ratio to the reference."""

from __future__ import annotations

from psubench.cli.execute import Output
from psubench.cli.signature import takes
from psubench.experiments.read_options import Given, read_options
from psubench.experiments.speed.options import SpeedOptions


@takes(SpeedOptions)
def speed(given: dict[str, Given], output: Output) -> None:
    """Times neurons side by side, over T, batch and size, in training and inference.

    Example: psubench speed --model "vggsnn(width=0.25)" --T 4,10 --mode layer,step
    """
    from psubench.cli.execute import execute
    from psubench.devices import resolve
    from psubench.experiments.registry import COMMANDS

    options = read_options(SpeedOptions, given)
    kind = COMMANDS["speed"]
    execute("speed", kind.planned(options, resolve(options.device)), kind.how(options), output)
