"""`psubench energy`: measured joules, and their ratio to the reference's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psubench.cli.execute import Output
from psubench.cli.signature import takes
from psubench.experiments.energy.options import EnergyOptions
from psubench.experiments.read_options import Given, read_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psubench.runs.case import Block
    from psubench.runs.schedule import Settings


@takes(EnergyOptions)
def energy(given: dict[str, Given], output: Output) -> None:
    """Measures joules with the hardware's counters: RAPL, NVML. Exit code 2 where there is none.

    Example: psubench energy --T 32 --neurons lif,psu --phase infer
    """
    from psubench.devices import resolve
    from psubench.experiments.registry import COMMANDS

    options = read_options(EnergyOptions, given)
    kind = COMMANDS["energy"]
    run(kind.planned(options, resolve(options.device)), kind.how(options), output)


def run(blocks: Sequence[Block], settings: Settings, output: Output, suite: str | None = None) -> None:
    """Measures, if the device has a counter; options as of `running.execute`."""
    from psubench.cli.execute import execute
    from psubench.devices.energy_meters import require

    if not output.dry_run:
        require(blocks[0].case.device)
    execute("energy", blocks, settings, output, suite)
