"""`psubench show`: the table of recorded runs."""

from __future__ import annotations

from psubench.cli import options as o


def show(runs: o.Runs, json: o.Json = False) -> None:
    """Shows what runs have measured, and what it says.

    Example: psubench show reports/speed-20261124-101500
    """
    from psubench.cli.reading import rows
    from psubench.render import export, table

    if json:
        print(export.to_json(rows(runs)))
    else:
        table.show(rows(runs))
