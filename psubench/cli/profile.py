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
    from psubench.experiments.commands import MEASURING

    options = read_options(ProfileOptions, given)
    if options.tensorboard:
        viewer.require()
    command = MEASURING["profile"]
    blocks = command.blocks(options, resolve(options.device))
    run(blocks, command.settings(options), output, tensorboard=options.tensorboard)


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


def _finish(tensorboard: bool, command: str, folder: Path, as_json: bool) -> list[dict[str, Any]]:
    """Reads the record back, writes table and figures beside it, prints the result."""
    from psubench.cli import execute as cli_execute
    from psubench.cli import tensorboard as viewer
    from psubench.experiments.profile import figures as profile_figures
    from psubench.experiments.profile import rows, tables
    from psubench.experiments.profile.plan import TRACES
    from psubench.experiments.speed import figures
    from psubench.records import jsonl
    from psubench.render import profile_export
    from psubench.render.export import write_text

    found = rows.cases(jsonl.read(jsonl.locate(folder)))
    write_text(profile_export.to_csv(found), folder / f"{command}.csv")
    if as_json:
        print(profile_export.to_json(found))
    else:
        tables.show(found)
    drawn = figures.save_beside(lambda: profile_figures.figures(found), folder)
    if not as_json:
        cli_execute.say_where(folder, f"{command}.csv", "traces", *["figures"] * drawn)
    names = [Path(case["profile"].trace).parent.name for case in found if case["profile"]]
    if tensorboard and names:
        viewer.serve(folder / TRACES, names)
    return found
