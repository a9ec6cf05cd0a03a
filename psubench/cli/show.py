"""`psubench show`: the table of recorded runs."""

from __future__ import annotations

from psubench.cli import options as o


def show(runs: o.Runs = None, json: o.Json = False) -> None:
    """Shows the tables of runs and their conclusions.

    Example: psubench show reports/speed-20261124-101500
    """
    from psubench.cli.saved_runs import one_kind, or_latest, runs_by_kind

    chosen = or_latest(runs)
    if json:
        kind, found = one_kind(chosen)
        print(kind.to_json(found))
        return
    for number, (kind, found) in enumerate(runs_by_kind(chosen)):
        print("\n" * (number > 0), end="")
        kind.show(found)
