"""THE table of measuring commands: the options, blocks and settings of each. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psubench.devices import memory_limit_bytes
from psubench.experiments.accuracy.options import AccuracyOptions, TrainOptions
from psubench.experiments.accuracy.plan import in_order, trainings
from psubench.experiments.axes import Axes
from psubench.experiments.energy.options import EnergyOptions
from psubench.experiments.profile.options import ProfileOptions
from psubench.experiments.profile.plan import profile_blocks
from psubench.experiments.sparsity.options import SparsityOptions
from psubench.experiments.sparsity.plan import count_blocks
from psubench.experiments.speed.options import SpeedOptions
from psubench.experiments.speed.plan import speed_blocks, weights
from psubench.measure.windows import Windowing
from psubench.runs.blocks import Blocks
from psubench.runs.campaign import Work
from psubench.runs.case import NEVER_EARLY, Block
from psubench.runs.schedule import Settings
from psubench.runs.trainings import Trainings


@dataclass(frozen=True)
class Command:
    """A command that measures blocks.

    Attributes:
        options: the class of its options.
        blocks: what is measured, from the options and a device as `devices.resolve` returns it.
        settings: how it is measured.
    """

    options: type[Axes]
    blocks: Callable[[Any, str], list[Block]]
    settings: Callable[[Any], Settings]


def _speed(options: SpeedOptions) -> Settings:
    checkpoint = weights(options, options.checkpoint)
    return Settings(
        processes=options.processes,
        precision=options.precision,
        max_seconds=options.max_seconds,
        timeout=options.timeout,
        max_memory=options.max_memory or memory_limit_bytes(),
        seed=options.seed,
        memory=options.memory,
        checkpoint=checkpoint and str(Path(checkpoint).resolve()),
    )


def _energy(options: EnergyOptions) -> Settings:
    return Settings(
        processes=options.processes,
        precision=NEVER_EARLY,
        max_seconds=options.window,
        timeout=options.timeout + options.window,  # during an idle window, a worker reports no progress
        max_memory=options.max_memory or memory_limit_bytes(),
        seed=options.seed,
        memory=False,
        windows=Windowing(options.windows, options.window),
    )


def _once(options: SparsityOptions | ProfileOptions) -> Settings:
    """Settings of a run that looks at each case once, without timing."""
    return Settings(
        processes=1,
        precision=NEVER_EARLY,
        max_seconds=1.0,
        timeout=options.timeout,
        max_memory=options.max_memory or memory_limit_bytes(),
        seed=options.seed,
        memory=False,
    )


MEASURING: dict[str, Command] = {
    "speed": Command(SpeedOptions, lambda o, device: speed_blocks(o, o.reference, device), _speed),
    "energy": Command(
        EnergyOptions, lambda o, device: speed_blocks(o, o.reference, device, "energy"), _energy
    ),
    "sparsity": Command(SparsityOptions, count_blocks, _once),
    "profile": Command(ProfileOptions, profile_blocks, _once),
}
TRAINING: dict[str, type[TrainOptions]] = {"train": TrainOptions, "accuracy": AccuracyOptions}
"""Commands that train."""


def options_of(command: str) -> type[Axes]:
    """The class of a command's options."""
    return TRAINING[command] if command in TRAINING else MEASURING[command].options


def plan(command: str, options: Any, device: str) -> list[Any]:
    """The blocks or trainings that options ask for, on a device as `devices.resolve` gives it."""
    return trainings(options, device) if command in TRAINING else MEASURING[command].blocks(options, device)


def work(command: str, options: Any, planned: list[Any]) -> Work:
    """What is run, and how; of several options the first say how."""
    if command in TRAINING:
        return Trainings(command, in_order(planned), options.jobs)
    return Blocks(planned, MEASURING[command].settings(options))
