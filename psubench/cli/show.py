"""`psubench show`: the table of recorded runs."""

from __future__ import annotations

from psubench.cli import options as o


def show(runs: o.Runs, json: o.Json = False) -> None:
    """Shows the tables of runs and their conclusions.

    Example: psubench show reports/speed-20261124-101500
    """
    from psubench.cli.saved_runs import one_kind, runs_by_kind

    if json:
        kind, found = one_kind(runs)
        print(kind.to_json(found))
        return
    for number, (kind, found) in enumerate(runs_by_kind(runs)):
        print("\n" * (number > 0), end="")
        kind.show(found)
