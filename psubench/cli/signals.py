"""Signals that end a command: all of them as Ctrl-C does, so that records, locks, workers and folders go."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

from psubench.errors import INTERRUPTED

_TOLD_BY_OTHERS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_SOON = 0.01  # seconds
_received: list[int] = []


def end_cleanly() -> None:
    """Makes signals that would end this process interrupt the command, each once.

    One that was ignored when the program began, as `nohup` has it, stays so.
    """
    _received.clear()
    for number in (signal.SIGINT, *_TOLD_BY_OTHERS):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _interrupt)
    sys.unraisablehook = _not_lost


def end_with_parent() -> None:
    """Interrupts the command when its standard input ends, as when the process that holds it is killed."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _not_lost(what: UnraisableHookArgs) -> None:
    """Interrupts once more if that was in a destructor or a callback: Python drops what these raise."""
    if not issubclass(what.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(what)
        return
    signal.signal(signal.SIGALRM, _interrupt_again)
    signal.setitimer(signal.ITIMER_REAL, _SOON)


def _interrupt_again(_: int, __: object) -> NoReturn:
    raise KeyboardInterrupt


def _interrupt(number: int, _: object) -> NoReturn:
    # What is cleaned up must not be cut short: a workflow that is cancelled sends SIGINT, and soon SIGTERM.
    # A second Ctrl-C is a person's who will not wait.
    for other in _TOLD_BY_OTHERS:
        signal.signal(other, signal.SIG_IGN)
    _received.append(number)
    raise KeyboardInterrupt


def exit_code(code: int) -> int:
    """128 plus the number of the signal, if one has interrupted the command."""
    return 128 + _received[0] if code == INTERRUPTED and _received else code
