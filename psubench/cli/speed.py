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
    from psubench.experiments.commands import MEASURING

    options = read_options(SpeedOptions, given)
    command = MEASURING["speed"]
    execute("speed", command.blocks(options, resolve(options.device)), command.settings(options), output)
