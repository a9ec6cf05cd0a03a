"""`psubench profile`: what happens during a call, as a trace and in numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psubench.cli.running import Output
from psubench.cli.signature import takes
from psubench.experiments.profile.options import ProfileOptions
from psubench.experiments.read_options import Given, read_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psubench.runner import Settings
    from psubench.suite import Block


@takes(ProfileOptions)
def profile(given: dict[str, Given], output: Output) -> None:
    """Records a call of each neuron: a trace for Perfetto or TensorBoard, operators, launches, memory.

    Example: psubench profile --model "vggsnn(width=0.125)" --neurons lif,psu --mode step
    """
    from psubench.cli import tensorboard as viewer
    from psubench.commands import MEASURING
    from psubench.devices import resolve

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
    from psubench.cli.running import execute

    execute("profile", blocks, settings, output, suite, partial(_finish, tensorboard))


def _finish(tensorboard: bool, command: str, folder: Path, as_json: bool) -> list[dict[str, Any]]:
    """Reads the record back, writes table and figures beside it, prints the result."""
    from psubench import profiles
    from psubench.cli import running
    from psubench.cli import tensorboard as viewer
    from psubench.profiling import TRACES
    from psubench.records import jsonl
    from psubench.render import plots, profile_export, profile_plots, profile_table
    from psubench.render.export import write_text

    found = profiles.cases(jsonl.read(jsonl.locate(folder)))
    write_text(profile_export.to_csv(found), folder / f"{command}.csv")
    if as_json:
        print(profile_export.to_json(found))
    else:
        profile_table.show(found)
    drawn = plots.save_beside(lambda: profile_plots.figures(found), folder)
    if not as_json:
        running.say_where(folder, f"{command}.csv", "traces", *["figures"] * drawn)
    names = [Path(case["profile"].trace).parent.name for case in found if case["profile"]]
    if tensorboard and names:
        viewer.serve(folder / TRACES, names)
    return found
