"""Options of the commands that measure nothing themselves, and options for results."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from psubench.errors import PsubenchError
from psubench.experiments import axes
from psubench.experiments.notations import share
from psubench.experiments.option import taken_apart
from psubench.runs.case import choice, choices

__all__ = ["choice", "choices", "share"]  # for the commands, which find here what texts of options mean


def _like(hint: Any, flag: str) -> Any:
    """The option of a command line that an options class declares."""
    _, _, option, meta = taken_apart(hint)
    assert option is not None
    low, high = (meta.ge, meta.le) if meta else (None, None)
    metavar = None if meta else option.metavar
    return typer.Option(flag, min=low, max=high, metavar=metavar, help=option.help)


def seconds(help: str, least: float = 1.0, most: float = axes.LONGEST_SECONDS) -> Any:
    """An option of seconds."""
    return number("seconds", help, least, most)


def number(what: str, help: str, least: float, most: float) -> Any:
    """An option of a number of `what`, such as seconds; click takes nan for one of any range."""

    def checked(parameter: typer.CallbackParam, value: float) -> float:
        if math.isnan(value):
            told = f"{parameter.opts[0]} nan; it takes a number of {what}"
            raise PsubenchError(told, "leave it out or give one")
        return value

    return typer.Option(metavar=what.upper(), min=least, max=most, callback=checked, help=help)


Device = Annotated[str | None, _like(axes.Device, "--device")]
Threads = Annotated[int, _like(axes.Threads, "--threads")]
Processes = Annotated[int, _like(axes.Processes, "--processes")]
Seed = Annotated[int, _like(axes.Seed, "--seed")]
Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of the run; default: reports/COMMAND-DATE-TIME.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the run in --out: measure only what is missing.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Run more than 500 cases.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List the cases without measuring.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Figures = Annotated[
    bool,
    typer.Option(
        "--figures/--no-figures", envvar="PSUBENCH_FIGURES", help="Draw the figures beside the table."
    ),
]
Runs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[RUN...]",
        help="Folders of runs, or their run.jsonl files; default: the latest in reports/.",
    ),
]
Recipes = Annotated[
    list[Path] | None,
    typer.Option(
        "--recipe", metavar="FILE", help="A suite of trainings whose values are taken; may be repeated."
    ),
]
