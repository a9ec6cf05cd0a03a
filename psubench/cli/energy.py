"""`psubench energy`: measured joules, and their ratio to the reference's."""

from __future__ import annotations

from psubench.cli.execute import Output, run
from psubench.cli.signature import takes
from psubench.experiments.energy.options import EnergyOptions
from psubench.experiments.read_options import Given


@takes(EnergyOptions)
def energy(given: dict[str, Given], output: Output) -> None:
    """Measures joules with the hardware's counters: RAPL, NVML. Exit code 2 where there is none.

    Example: psubench energy --T 32 --neurons lif,psu --phase infer
    """
    run("energy", given, output)
