"""`psubench schema`: the JSON Schema of a record or of the rows of --json."""

from __future__ import annotations

from typing import Annotated

import typer

Name = Annotated[str | None, typer.Argument(metavar="KIND", help="Name such as record-block or rows-speed.")]


def schema(name: Name = None) -> None:
    """Prints the JSON Schema of a record in run.jsonl or of the rows of --json; without KIND, lists them.

    Example: psubench schema rows-speed
    """
    import json

    from psubench.experiments.schemas import names
    from psubench.experiments.schemas import schema as made

    print("\n".join(names()) if name is None else json.dumps(made(name), indent=2))
