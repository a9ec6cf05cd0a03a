"""`psubench show`: the table of recorded runs."""

from __future__ import annotations

from psubench.cli import options as o


def show(runs: o.Runs, json: o.Json = False) -> None:
    """Shows what runs have measured, and what it says.

    Example: psubench show reports/speed-20261124-101500
    """
    from psubench.cli.reading import one_kind, runs_by_kind
    from psubench.render import activity_export, activity_table, export, table

    if json:
        kind, found = one_kind(runs)
        print(activity_export.to_json(found) if kind == "sparsity" else export.to_json(found))
        return
    for number, (kind, found) in enumerate(runs_by_kind(runs).items()):
        print("\n" * (number > 0), end="")
        (activity_table if kind == "sparsity" else table).show(found)
