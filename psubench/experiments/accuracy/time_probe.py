"""Does the task need time? Differences in accuracy to the same training, seed by seed. No torch."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from psubench.experiments.accuracy.rows import TrainingRow
from psubench.stats import intervals
from psubench.training.recipe import TIMES


def differences(rows: Sequence[TrainingRow]) -> list[str]:
    """A sentence per training with shuffled steps or without gradient through time."""
    whole = {_setting(row): row for row in rows if row.time == "kept"}
    found = []
    for row in rows:
        base = whole.get(_setting(row))
        if row.time == "kept" or base is None:
            continue
        both = [seed for seed in base.by_seed if seed in row.by_seed]
        points = [100 * (row.by_seed[seed] - base.by_seed[seed]) for seed in both]
        if points:
            found.append(f"{base.label} on {row.data}, {TIMES[row.time]}: {_told(points)}")
    return found


def _setting(row: TrainingRow) -> str:
    recipe = {name: value for name, value in row.recipe.items() if name != "time"}
    return repr((row.model, row.data, row.neuron, row.implementation, row.T, recipe, row.device))


def _told(points: Sequence[float]) -> str:
    """`-30.1 ± 1.2 points (3 seeds): lower`, by the 95 % interval of the mean difference."""
    mean, n = statistics.fmean(points), len(points)
    if n < 2:
        return f"{mean:+.1f} points of accuracy (1 seed: too few to tell)"
    _, low, high = intervals.over_processes(points)
    assert low is not None
    assert high is not None
    word = "lower" if high < 0 else "higher" if low > 0 else "no difference beyond the spread"
    spread = statistics.stdev(points)
    return (
        f"{mean:+.1f} ± {spread:.1f} points of accuracy ({n} seeds, 95 % [{low:+.1f}, {high:+.1f}]): {word}"
    )
