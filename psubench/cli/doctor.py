"""`psubench doctor`: whether this machine is a good place to measure, and what to change."""

from __future__ import annotations

import json as js
from typing import Annotated

import typer

from psubench.cli import options as o

Seconds = Annotated[float, o.seconds("Seconds of A/A samples; 0 measures no noise.", 0.0, 3600.0)]
Margin = Annotated[str, typer.Option(metavar="PERCENT", help="Relative change that compare accepts.")]
Processes = Annotated[int, typer.Option(min=1, help="Fresh processes; the noise is their spread.")]


def doctor(
    seconds: Seconds = 10.0,
    device: o.Device = None,
    threads: o.Threads = 1,
    margin: Margin = "3%",
    processes: Processes = 5,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> None:
    """Reports what this machine is, how noisy it is, why, and what to do about it.

    Example: psubench doctor --seconds 10
    """
    from psubench.devices import resolve
    from psubench.doctor import examine
    from psubench.render import doctor as shown
    from psubench.render.progress import watch

    share, name = o.share(margin, "--margin"), resolve(device)
    with watch(quiet=quiet) as watcher:
        report = examine(name, threads, seconds, processes, share, watcher, watcher.message)
    if json:
        print(js.dumps(report, indent=2))
    else:
        shown.show(report)
