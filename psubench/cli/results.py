"""What becomes of a finished run of any kind: CSV and figures beside its record, and what is printed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psubench.experiments.registry import Experiment


def finish(command: str, folder: Path, as_json: bool, *beside: str) -> list[Any]:
    """Reads the record of a folder back, and shows it.

    Args:
        beside: what else lies in the folder, in words.

    Returns:
        What the run holds: entries with `key` and `status`.
    """
    from psubench.experiments.registry import COMMANDS
    from psubench.records import jsonl

    kind = COMMANDS[command]
    found = kind.of([jsonl.read(jsonl.locate(folder))])
    if not os.environ.get("PSUBENCH_RECORD_ONLY"):  # `compare --git` reads the record itself
        present(kind, command, found, folder, as_json, beside)
    return found


def present(
    kind: Experiment,
    command: str,
    found: Sequence[Any],
    folder: Path,
    as_json: bool,
    beside: Sequence[str] = (),
    last: Sequence[str] = (),
) -> None:
    """Writes CSV and figures, prints a table or JSON, and says what lies where.

    Args:
        beside, last: what else lies in the folder, said before and after the figures.
    """
    from psubench.cli.execute import say_where
    from psubench.render.figures.save import save_beside
    from psubench.render.files import write_text

    write_text(kind.export(found, "csv"), folder / f"{command}.csv")
    if as_json:
        print(kind.to_json(found))
    else:
        kind.show(found)
    drawn = save_beside(lambda: kind.drawn(found), folder)
    if not as_json:
        say_where(folder, f"{command}.csv", *beside, *["figures"] * drawn, *last)
