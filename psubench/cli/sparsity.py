"""`psubench sparsity`: firing rates, synaptic operations, energy estimates and feature maps of a network."""

from __future__ import annotations

import json as js
from functools import partial
from typing import TYPE_CHECKING, Any

from psubench.cli.execute import Output
from psubench.cli.signature import takes
from psubench.experiments.read_options import Given, read_options
from psubench.experiments.sparsity.options import SparsityOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from psubench.runs.case import Block
    from psubench.runs.schedule import Settings


@takes(SparsityOptions)
def sparsity(given: dict[str, Given], output: Output) -> None:
    """Counts spikes and operations of a network and estimates energy.

    Example: psubench sparsity --model "vggsnn(width=0.25)" --T 10 --neurons lif,psn,psu
    """
    from psubench.devices import resolve
    from psubench.experiments.registry import COMMANDS

    options = read_options(SparsityOptions, given)
    kind = COMMANDS["sparsity"]
    blocks = kind.planned(options, resolve(options.device))
    run(blocks, kind.how(options), output, strict=options.strict)


def run(
    blocks: Sequence[Block],
    settings: Settings,
    output: Output,
    suite: str | None = None,
    *,
    strict: bool = False,
) -> None:
    """Counts; options as of `running.execute`."""
    from psubench.cli.execute import execute

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


def _finish(command: str, folder: Path, as_json: bool, strict: bool) -> list[Any]:
    """Shows the result; where that is asked for, an incomplete count is no good one."""
    from msgspec.structs import replace

    from psubench.cli import results

    found = results.finish(command, folder, as_json)
    if not strict:
        return found
    bad = [case.status == "ok" and not case.layers[-1].complete for case in found]
    return [replace(case, status="failed") if one else case for case, one in zip(found, bad, strict=True)]
