"""`psubench sparsity`: firing rates, synaptic operations, energy estimates and feature maps of a network."""

from __future__ import annotations

import json as js
from functools import partial
from typing import TYPE_CHECKING, Any

from psubench.cli.running import Output
from psubench.cli.signature import takes
from psubench.experiments.read_options import Given, read_options
from psubench.experiments.sparsity.options import SparsityOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from psubench.runner import Settings
    from psubench.suite import Block


@takes(SparsityOptions)
def sparsity(given: dict[str, Given], output: Output) -> None:
    """Counts spikes and operations of a network and estimates energy.

    Example: psubench sparsity --model "vggsnn(width=0.25)" --T 10 --neurons lif,psn,psu
    """
    from psubench.commands import MEASURING
    from psubench.devices import resolve

    options = read_options(SparsityOptions, given)
    command = MEASURING["sparsity"]
    blocks = command.blocks(options, resolve(options.device))
    run(blocks, command.settings(options), output, strict=options.strict)


def run(
    blocks: Sequence[Block],
    settings: Settings,
    output: Output,
    suite: str | None = None,
    *,
    strict: bool = False,
) -> None:
    """Counts; options as of `running.execute`."""
    from psubench.cli.running import execute

    if output.dry_run:
        _list(blocks, output.json)
        return
    execute("sparsity", blocks, settings, output, suite, partial(_finish, strict=strict))


def _list(blocks: Sequence[Block], as_json: bool) -> None:
    cases = [block.entries[0].case.canonical() for block in blocks]
    if as_json:
        print(js.dumps(cases, indent=2))
        return
    for block, case in zip(blocks, cases, strict=True):
        print(f"{block.entries[0].label}: {block.title}, {case['samples']} samples")


def _finish(command: str, folder: Path, as_json: bool, strict: bool) -> list[dict[str, Any]]:
    """Reads the record back, writes table and figures beside it, prints the result."""
    from psubench.activity.cases import cases
    from psubench.cli import running
    from psubench.records import jsonl
    from psubench.render import activity_export, activity_plots, activity_table, plots
    from psubench.render.export import write_text

    found = cases(jsonl.read(jsonl.locate(folder)))
    write_text(activity_export.to_csv(found), folder / f"{command}.csv")
    if as_json:
        print(activity_export.to_json(found))
    else:
        activity_table.show(found)
    drawn = plots.save_beside(lambda: activity_plots.figures(found), folder)
    if not as_json:
        running.say_where(folder, f"{command}.csv", *["figures"] * drawn)
    if strict:
        for case in found:
            if case["status"] == "ok" and not case["layers"][-1]["complete"]:
                case["status"] = "incomplete"
    return found
