"""`psubench history`: what became slower or does other work, over commits or over records."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psubench.cli import options as o
from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from psubench.compare.history import HistoryRow
    from psubench.render.report.history import Places

What = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[RANGE|RUN...]",
        help="Commits such as HEAD~10..HEAD, by default the last 10; or folders of runs.",
    ),
]
Suite = Annotated[
    Path | None,
    typer.Option("--suite", metavar="FILE", help="Of a range: what to count; default: suites/ci.toml."),
]
Bisect = Annotated[
    str | None,
    typer.Option(
        metavar="NEURON",
        help="Of a range: name the commit that changed this neuron's work or made it slower.",
    ),
]
Time = Annotated[
    bool | None,
    typer.Option(
        "--time/--no-time", help="Time the commits whose work changed; default: only with --bisect."
    ),
]
Budget = Annotated[float, o.seconds("Seconds for timing one commit, as for compare --git.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder for index.html and history.csv.")
]

_RANGE = re.compile(r"(?<!/)\.\.(?!/)")
"""The two dots of a range, which are not those of a path such as `../runs`."""


def history(
    what: What = None,
    bisect: Bisect = None,
    time: Time = None,
    suite: Suite = None,
    device: o.Device = None,
    budget: Budget = 600.0,
    seed: o.Seed = 0,
    out: Out = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Shows what has changed from commit to commit, or from run to run: work without a clock, and time.

    Example: psubench history HEAD~10..HEAD --out reports/history
    """
    from psubench.render.report.history import COMMITS, RUNS

    given = what or []
    if not given or (len(given) == 1 and _RANGE.search(given[0]) and not Path(given[0]).exists()):
        from psubench.cli.history_git import of_range

        say = _silent if quiet else _say
        found = of_range(given[0] if given else None, bisect, time, suite, device, budget, seed, say)
        _show(found.rows, COMMITS, out, json=json)
        if found.told:
            print(found.told, file=sys.stderr if json else sys.stdout)
        raise typer.Exit(found.exit_code)
    if bisect is not None or time is not None or suite is not None:
        raise PsubenchError(
            "--bisect, --time and --suite are for a range of commits", "give one such as HEAD~10..HEAD"
        )
    _show(_of_runs([Path(one) for one in given]), RUNS, out, json=json)


def _of_runs(runs: list[Path]) -> list[HistoryRow]:
    from psubench.compare import history
    from psubench.experiments.registry import kind_of
    from psubench.records import jsonl

    places = []
    for run in runs:
        records = jsonl.read(jsonl.locate(run))
        if (kind := kind_of(records).name) != "speed":
            raise PsubenchError(f"{run} is a run of {kind}", "give runs of speed, or of psubench count")
        places.append(history.place(records, run.name if run.is_dir() else run.absolute().parent.name))
    if len({one.at for one in places}) < len(places):
        raise PsubenchError("a run is given twice", "give each run once")
    return history.rows(sorted(places, key=lambda one: one.date or ""))


def _show(rows: list[HistoryRow], places: Places, out: Path | None, *, json: bool) -> None:
    from psubench.compare.history import HistoryRow
    from psubench.render import export, grid
    from psubench.render.files import write_text
    from psubench.render.history import sheet
    from psubench.render.report import history as page

    if json:
        print(export.to_json(HistoryRow, rows))
    else:
        grid.show(sheet(rows, places.columns, f"{places.word}s"))
    if out is not None:
        write_text(page.render(rows, places, sys.argv[1:]), out / page.NAME)
        write_text(export.to_csv(HistoryRow, rows), out / "history.csv")
        print(f"page and table: {out / page.NAME}, {out / 'history.csv'}", file=sys.stderr)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _silent(text: str) -> None:
    """For --quiet."""
