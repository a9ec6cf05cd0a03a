"""The terminal: how wide it is, which letters it knows, and that nothing but text reaches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from psubench.render import escape

if TYPE_CHECKING:
    from rich.console import Console

_ASCII = str.maketrans({"≈": "~", "µ": "u", "±": "+/-", "·": "-", "…": "..."})
_LEAST_WIDTH = 20
"""Below it nothing of a table is left; COLUMNS=0 is set where the width is not known."""
_WIDTH = 80


def console(stream: TextIO | None = None) -> Console:
    """What prints tables: on standard output by default; 80 columns wide if that is not a terminal."""
    from rich.console import Console

    made = Console(file=stream, highlight=False, soft_wrap=False)
    return made if made.width >= _LEAST_WIDTH else Console(
        file=stream, highlight=False, soft_wrap=False, width=_WIDTH
    )  # fmt: skip


def letters(console: Console) -> Callable[[str], str]:
    """What turns a text into the letters that the console can show."""
    ascii_only = console.options.ascii_only

    def known(text: str) -> str:
        text = escape.terminal(text)
        return text.translate(_ASCII) if ascii_only else text

    return known
