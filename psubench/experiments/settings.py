"""From options to how cases are measured. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from psubench.devices import memory_limit_bytes
from psubench.experiments.energy.options import EnergyOptions
from psubench.experiments.profile.options import ProfileOptions
from psubench.experiments.sparsity.options import SparsityOptions
from psubench.experiments.speed.options import SpeedOptions
from psubench.experiments.speed.plan import weights
from psubench.measure.windows import Windowing
from psubench.records.jsonl import MEMORY, WORK
from psubench.runs.case import NEVER_EARLY
from psubench.runs.schedule import Settings


def timed(options: SpeedOptions) -> Settings:
    """Rounds of all neurons in turn."""
    checkpoint = weights(options, options.checkpoint)
    return Settings(
        processes=options.processes,
        precision=options.precision,
        max_seconds=options.max_seconds,
        timeout=options.timeout,
        max_memory=options.max_memory or memory_limit_bytes(),
        seed=options.seed,
        passes=(MEMORY, WORK) if options.memory else (),
        checkpoint=checkpoint and str(Path(checkpoint).resolve()),
    )


def metered(options: EnergyOptions) -> Settings:
    """Windows between two readings of the counters."""
    return Settings(
        processes=options.processes,
        precision=NEVER_EARLY,
        max_seconds=options.window,
        timeout=options.timeout + options.window,  # during an idle window, a worker reports no progress
        max_memory=options.max_memory or memory_limit_bytes(),
        seed=options.seed,
        windows=Windowing(options.windows, options.window),
    )


def once(options: SparsityOptions | ProfileOptions) -> Settings:
    """Settings of a run that looks at each case once, without timing."""
    return Settings(
        processes=1,
        precision=NEVER_EARLY,
        max_seconds=1.0,
        timeout=options.timeout,
        max_memory=options.max_memory or memory_limit_bytes(),
        seed=options.seed,
    )
