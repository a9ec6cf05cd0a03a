"""Signals that end a command as Ctrl-C does: the record is closed, workers end, locks and folders go."""

from __future__ import annotations

import signal
from typing import NoReturn

from psubench.errors import INTERRUPTED

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_received: list[int] = []


def end_cleanly() -> None:
    """Makes signals that would end this process at once end it as Ctrl-C does; `nohup` stays in force."""
    _received.clear()
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, _: object) -> NoReturn:
    _received.append(number)
    raise KeyboardInterrupt


def exit_code(code: int) -> int:
    """128 and the number of the signal, where one has interrupted the command."""
    return 128 + _received[0] if code == INTERRUPTED and _received else code
