"""`psubench run`: what a suite asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from psubench.cli import energy, execute, learning, profile, sparsity
from psubench.cli.execute import Output
from psubench.cli.signature import takes
from psubench.experiments.accuracy.options import AccuracyOptions, TrainOptions
from psubench.experiments.energy.options import EnergyOptions
from psubench.experiments.read_options import Given
from psubench.experiments.sparsity.options import SparsityOptions
from psubench.experiments.speed.options import SpeedOptions

if TYPE_CHECKING:
    from psubench.experiments.option import Declared
    from psubench.experiments.suite_file import Suite

SuiteFile = Annotated[Path, typer.Argument(metavar="SUITE", help="A TOML file, such as suites/smoke.toml.")]


def _of_the_whole_run(field: Declared) -> bool:
    """What a suite gives once, in [settings], and the device."""
    return field.name == "device" or (field.option is not None and field.option.suite == "settings")


@takes(SpeedOptions, EnergyOptions, SparsityOptions, AccuracyOptions, chosen=_of_the_whole_run)
def run(suite: SuiteFile, given: dict[str, Given], output: Output) -> None:
    """Runs everything that a suite asks for, into one record. Options win over the suite's settings.

    Example: psubench run suites/cpu-speed.toml --dry-run
    """
    from psubench.devices import resolve
    from psubench.experiments import suite_file

    asked = suite_file.read(suite, given)
    device = resolve(asked.options[0].device)
    if asked.experiment.trains:
        options = cast("TrainOptions", asked.options[0])
        learning.run(asked.command, asked.trainings(device), options.jobs, output, asked.name)
    else:
        _measure(asked, device, output)


def _measure(asked: Suite, device: str, output: Output) -> None:
    blocks, settings = asked.blocks(device), asked.how()
    match asked.options[0]:
        case SparsityOptions(strict=strict):
            sparsity.run(blocks, settings, output, asked.name, strict=strict)
        case EnergyOptions():
            energy.run(blocks, settings, output, asked.name)
        case SpeedOptions():
            execute.execute("speed", blocks, settings, output, asked.name)
        case _:
            profile.run(blocks, settings, output, asked.name)
