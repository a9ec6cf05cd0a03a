"""`psubench show`: the table of recorded runs."""

from __future__ import annotations

from psubench.cli import options as o


def show(runs: o.Runs, json: o.Json = False) -> None:
    """Shows what runs have measured, and what it says.

    Example: psubench show reports/speed-20261124-101500
    """
    from psubench.cli.reading import one_kind, runs_by_kind
    from psubench.render import export, profile_export, profile_table, table

    if json:
        kind, found = one_kind(runs)
        print(profile_export.to_json(found) if kind == "profile" else export.to_json(found))
        return
    for number, (kind, found) in enumerate(runs_by_kind(runs).items()):
        print("\n" * (number > 0), end="")
        (profile_table if kind == "profile" else table).show(found)
