"""`psubench selftest`: how far compare can be trusted on this machine."""

from __future__ import annotations

import json as js
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from psubench.cli import options as o
from psubench.cli.compare import Margin, SuiteFile

app = typer.Typer(help="Measures false alarms and detections of compare.", rich_markup_mode=None)
Suites = Annotated[int, typer.Option(min=1, help="Comparisons of the suite with itself.")]
Load = Annotated[bool, typer.Option("--load", help="Run intermittent background load meanwhile.")]
Budget = Annotated[float, o.seconds("Seconds of one comparison, as for compare --git.")]
MaxSeconds = Annotated[float, o.seconds("Seconds after which no comparison is started.")]
Inject = Annotated[
    str, typer.Option(metavar="PERCENT", help="Share by which one neuron is slowed down on one side.")
]
Neuron = Annotated[str, typer.Option(metavar="NAME", help="The built-in neuron that is slowed down.")]

Comparisons = Annotated[int, typer.Option(min=1, help="Of every row: of one slowdown in one noise.")]
Format = Annotated[str, typer.Option("--format", metavar="NAME", help="table, csv, json, markdown or latex.")]


@app.command()
def aa(
    suites: Suites = 13,
    load: Load = False,
    budget: Budget = 600.0,
    max_seconds: MaxSeconds = 3600.0,
    margin: Margin = None,
    suite: SuiteFile = None,
    device: o.Device = None,
    seed: o.Seed = 0,
    out: o.Out = None,
    resume: o.Resume = False,
    json: o.Json = False,
) -> None:
    """Measures how often identical code on both sides is called slower.

    Example: psubench selftest aa --load
    """
    settings = _settings("0%", "", load, budget, margin, suite, device, seed)
    _run("aa", settings, suites, max_seconds, out, resume=resume, json=json)


@app.command()
def power(
    inject: Inject = "5%",
    neuron: Neuron = "psu",
    suites: Suites = 6,
    load: Load = False,
    budget: Budget = 600.0,
    max_seconds: MaxSeconds = 3600.0,
    margin: Margin = None,
    suite: SuiteFile = None,
    device: o.Device = None,
    seed: o.Seed = 0,
    out: o.Out = None,
    resume: o.Resume = False,
    json: o.Json = False,
) -> None:
    """Measures how often a known slowdown on one side is detected.

    Example: psubench selftest power --inject 5%
    """
    settings = _settings(inject, neuron, load, budget, margin, suite, device, seed)
    _run("power", settings, suites, max_seconds, out, resume=resume, json=json)


@app.command()
def simulate(comparisons: Comparisons = 1000, seed: o.Seed = 0, format: Format = "table") -> None:
    """Counts verdicts of compare on simulated times: true slowdowns, noise, numbers of processes.

    Example: psubench selftest simulate --format markdown
    """
    from psubench.compare.selftest.simulate import rows
    from psubench.records.rows import SimulatedRow
    from psubench.render import export, grid
    from psubench.render.simulation import sheet

    chosen = o.choice(format, ("table", *export.FORMATS), "--format")
    found = list(rows(comparisons, seed))
    if chosen == "table":
        grid.show(sheet(found))
    else:
        print(export.render(chosen, SimulatedRow, found, lambda: sheet(found)), end="")


def _settings(
    inject: str,
    neuron: str,
    load: bool,
    budget: float,
    margin: str | None,
    suite: Path | None,
    device: str | None,
    seed: int,
) -> Any:
    from psubench.cli.compare_git import suite_for
    from psubench.compare.selftest.selftest import Settings

    share = o.share(inject, "--inject") if neuron else 0.0
    limit = o.share(margin, "--margin") if margin else None
    asked, name = suite_for(suite, device)
    return Settings(tuple(asked.tables), asked.settings, name, share, neuron, load, budget, limit, seed)


def _run(
    kind: str, settings: Any, suites: int, max_seconds: float, out: Path | None, *, resume: bool, json: bool
) -> None:
    from psubench.cli.execute import run_folder
    from psubench.compare.selftest.error_rates import half_found, rates
    from psubench.compare.selftest.selftest import Selftest

    with run_folder(f"selftest-{kind}", out) as folder:
        done = Selftest(settings, folder, resume, _say).run(suites, max_seconds)
    found, half = rates(done, settings.inject), half_found(done)
    if json:
        numbers = {sentence: rate._asdict() for sentence, rate in found.items()}
        print(js.dumps({"suites": len(done), "half_found": half, "rates": numbers}))
        return
    for sentence, rate in found.items():
        print(f"{sentence}: {rate.hits} of {rate.trials}{_limits(rate.low, rate.high)}")
    if half is not None:
        print(f"slowdown of a single case that half of the comparisons detect (computed): {100 * half:.1f} %")
    print(f"record: {folder}")


def _limits(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [95 %: {100 * low:.1f} to {100 * high:.1f} %]"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
