"""`psubench profile`: what happens during a call, as a trace and in numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psubench.cli.execute import Output
from psubench.cli.signature import takes
from psubench.experiments.profile.options import ProfileOptions
from psubench.experiments.read_options import Given, read_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psubench.runs.case import Block
    from psubench.runs.schedule import Settings


@takes(ProfileOptions)
def profile(given: dict[str, Given], output: Output) -> None:
    """Records a call of each neuron: a trace for Perfetto or TensorBoard, operators, launches, memory.

    Example: psubench profile --model "vggsnn(width=0.125)" --neurons lif,psu --mode step
    """
    from psubench.cli import tensorboard as viewer
    from psubench.devices import resolve
    from psubench.experiments.registry import COMMANDS

    options = read_options(ProfileOptions, given)
    if options.tensorboard:
        viewer.require()
    kind = COMMANDS["profile"]
    blocks = kind.planned(options, resolve(options.device))
    run(blocks, kind.how(options), output, tensorboard=options.tensorboard)


def run(
    blocks: Sequence[Block],
    settings: Settings,
    output: Output,
    suite: str | None = None,
    *,
    tensorboard: bool = False,
) -> None:
    """Profiles; options as of `running.execute`."""
    from psubench.cli.execute import execute

    execute("profile", blocks, settings, output, suite, partial(_finish, tensorboard))


def _finish(tensorboard: bool, command: str, folder: Path, as_json: bool) -> list[Any]:
    """Shows the result, and serves the traces where that is asked for."""
    from psubench.cli import results
    from psubench.cli import tensorboard as viewer
    from psubench.experiments.profile.plan import TRACES

    found = results.finish(command, folder, as_json, "traces")
    names = [Path(case.profile.trace).parent.name for case in found if case.profile]
    if tensorboard and names:
        viewer.serve(folder / TRACES, names)
    return found
