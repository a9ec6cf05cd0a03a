"""`psubench profile`: what happens during a call, as a trace and in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psubench.cli.execute import Output, run
from psubench.cli.signature import takes
from psubench.experiments.profile.options import ProfileOptions
from psubench.experiments.read_options import Given, read_options


@takes(ProfileOptions)
def profile(given: dict[str, Given], output: Output) -> None:
    """Records a call of each neuron: a trace for Perfetto or TensorBoard, operators, launches, memory.

    Example: psubench profile --model "vggsnn(width=0.125)" --neurons lif,psu --mode step
    """
    from psubench.cli import tensorboard

    shown = read_options(ProfileOptions, given).tensorboard
    if shown:
        tensorboard.require()
    run("profile", given, output, finish=_serve if shown else None)


def _serve(folder: Path, cases: Sequence[Any]) -> None:
    from psubench.cli import tensorboard
    from psubench.experiments.profile.plan import TRACES

    names = [Path(case.profile.trace).parent.name for case in cases if case.profile]
    if names:
        tensorboard.serve(folder / TRACES, names)
