"""Lists of what there is: one entry a paragraph, so that an equation is never cut."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from psubench.render import escape

_WORDS = {True: "yes", False: "no"}


def show(entries: Sequence[Mapping[str, Any]], *, json: bool) -> None:
    """Prints entries: the name and what it is on a line, its other fields below.

    Args:
        entries: field name -> value, all with the same fields; the first is the name.
        json: as a JSON list instead.
    """
    if json:
        print(escape.json_text(list(entries), indent=2))
        return
    margin = max((len(str(next(iter(entry.values())))) for entry in entries), default=0) + 2
    width = max(shutil.get_terminal_size().columns, margin + 20)
    for entry in entries:
        (_, name), (_, about), *rest = entry.items()
        facts = [
            f"{field}: {_WORDS.get(value, value) if isinstance(value, bool) else value}"
            for field, value in rest
        ]
        for head, text in ((name, str(about)), ("", "; ".join(facts))):
            lines = textwrap.wrap(text, width - margin, break_long_words=False, break_on_hyphens=False)
            for number, line in enumerate(lines):
                print(f"{head if number == 0 else '':{margin}}{escape.terminal(line)}")
