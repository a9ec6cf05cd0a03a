"""`psubench energy`: measured joules, and their ratio to the reference's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psubench.cli.running import Output
from psubench.cli.signature import takes
from psubench.experiments.energy.options import EnergyOptions
from psubench.experiments.read_options import Given, read_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psubench.runner import Settings
    from psubench.suite import Block


@takes(EnergyOptions)
def energy(given: dict[str, Given], output: Output) -> None:
    """Measures joules with the hardware's counters: RAPL, NVML. Exit code 2 where there is none.

    Example: psubench energy --T 32 --neurons lif,psu --phase infer
    """
    from psubench.commands import MEASURING
    from psubench.devices import resolve

    options = read_options(EnergyOptions, given)
    command = MEASURING["energy"]
    run(command.blocks(options, resolve(options.device)), command.settings(options), output)


def run(blocks: Sequence[Block], settings: Settings, output: Output, suite: str | None = None) -> None:
    """Measures, if the device has a counter; options as of `running.execute`."""
    from psubench.cli.running import execute
    from psubench.devices.energy import require

    if not output.dry_run:
        require(blocks[0].case.device)
    execute("energy", blocks, settings, output, suite)
