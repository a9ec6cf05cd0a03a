"""`psubench run`: everything in a suite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psubench.cli.execute import Output, execute
from psubench.cli.signature import takes
from psubench.experiments.accuracy.options import AccuracyOptions
from psubench.experiments.energy.options import EnergyOptions
from psubench.experiments.read_options import Given
from psubench.experiments.sparsity.options import SparsityOptions
from psubench.experiments.speed.options import SpeedOptions

if TYPE_CHECKING:
    from psubench.experiments.option import Declared

SuiteFile = Annotated[Path, typer.Argument(metavar="SUITE", help="A TOML file, such as suites/smoke.toml.")]


def _of_the_whole_run(field: Declared) -> bool:
    """The options that a suite sets once, in [settings], and the device."""
    return field.name == "device" or (field.option is not None and field.option.suite == "settings")


@takes(SpeedOptions, EnergyOptions, SparsityOptions, AccuracyOptions, chosen=_of_the_whole_run)
def run(suite: SuiteFile, given: dict[str, Given], output: Output) -> None:
    """Runs everything in a suite and writes one record. Options override the suite's settings.

    Example: psubench run suites/cpu-speed.toml --dry-run
    """
    from psubench.devices import resolve
    from psubench.experiments import suite_file

    asked = suite_file.read(suite, given)
    work = asked.work(resolve(asked.options[0].device))
    execute(asked.command, asked.options[0], work, output, asked.name)
