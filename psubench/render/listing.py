"""Lists of what there is: one entry a paragraph, so that an equation is never cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def show(entries: Sequence[Mapping[str, Any]], *, json: bool) -> None:
    """Prints entries; the first field of each is its name.

    Args:
        entries: field name -> value, all with the same fields.
        json: as a JSON list instead.
    """
    if json:
        import json as js

        print(js.dumps(list(entries), ensure_ascii=False, indent=2, default=str))
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False)
    for entry in entries:
        (_, name), (_, about), *rest = entry.items()
        console.print(Text(f"{name}", style="bold"), Text(f"{about}"))
        facts = " · ".join(f"{field}: {_word(value)}" for field, value in rest if value not in (None, ""))
        console.print(Padding(Text(facts, style="dim"), (0, 0, 0, 4)))


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
